# Every command that a person or CI needs. Each is a plain command, written in full in docs/development.md too;
# `just` is a convenience (`pip install rust-just`), never a requirement.

# the list of recipes
default:
    @just --list --unsorted

# the whole path in one process, on http://127.0.0.1:8080
demo *arguments:
    cargo run -- demo {{ arguments }}

# the production bridge
run config="bridgebot.toml":
    cargo run --release -- run --config {{ config }}

# read and check a configuration without starting
check config="bridgebot.toml":
    cargo run -- check --config {{ config }}

# all tests; those whose peer (python3, irssi, weechat-headless) is missing say that they skip
test *arguments:
    cargo test --workspace {{ arguments }}

# the same, and a missing peer is a failure
test-peers *arguments:
    BRIDGEBOT_REQUIRE_PEERS=1 cargo test --workspace {{ arguments }}

# what must be clean before a change is offered
lint: format tree deny clippy docs

# format the Rust sources
fmt:
    cargo fmt --all

# are they formatted?
format:
    cargo fmt --all --check

# clippy, where a warning is an error
clippy:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# the tracked files stand alone and hold nothing unfinished
tree:
    .ci/check-tree --self-test
    .ci/check-tree

# the crates' documentation, in target/doc
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# licences, banned crates, sources (deny.toml)
deny:
    .ci/check-dependencies --self-test
    .ci/check-dependencies

# install the widget's tools and build the bundle that the Rust crate embeds (Node 20 or later)
widget:
    cd web-widget/widget && npm ci && npm run build

# the widget's lint, types, tests, size and drift of the committed bundle
widget-test:
    cd web-widget/widget && npm ci && npm run all

# the path in a real browser: widget, bridge, AIM window and back (Node 20 or later, Chromium)
e2e:
    cargo build
    cd web-widget/widget && npm ci && node --test e2e/path.test.mjs

# the path with a raw WebSocket visitor and an OSCAR client that share no code with ours; prints latencies
path:
    cargo test -p bridge --test path -- --nocapture

# the path's latencies with an optimised build, and what comes of OSCAR's stock limits, in simulated time
bench:
    cargo test --release -p bridge --test path -- --nocapture
    cargo test --release -p bridge --lib stock_rates -- --nocapture

# what is known of OSCAR servers, asked of the double, or of the one at $OSCAR_SUBJECT (oscar-mock/README.md)
conformance:
    cargo test -p oscar-mock --test conformance -- --nocapture subject

# random and mutated frames to the double: so many in the process, and so many over the network
hostile frames="1000000":
    OSCAR_MOCK_HOSTILE_FRAMES={{ frames }} cargo test --release -p oscar-mock --lib --test conformance -- hostile --nocapture

# fuzz one target of the OSCAR codec for some seconds (`cargo install cargo-fuzz`)
fuzz target="snac" seconds="60":
    cd bridge/oscar && cargo fuzz run -s none {{ target }} -- -max_total_time={{ seconds }}

# fuzz every target of the OSCAR codec, one after the other, from the captures
fuzz-all seconds="60":
    OSCAR_FUZZ_CORPUS={{ justfile_directory() }}/bridge/oscar/fuzz/corpus cargo test -p oscar-im --test any_bytes corpus
    cd bridge/oscar && cargo fuzz build -s none
    cd bridge/oscar && for target in $(cargo fuzz list); do cargo fuzz run -s none $target -- -max_total_time={{ seconds }} -rss_limit_mb=1024 || exit 1; done

# what README.md tells to run, run: builds an optimised bridgebot, and needs the default ports
readme:
    .ci/check-readme --self-test
    .ci/check-readme

# everything that CI runs, as root on a fresh Debian: installs packages
ci:
    .ci/run
