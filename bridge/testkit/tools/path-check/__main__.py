#!/usr/bin/env python3
"""Proves the whole path from outside: a visitor's WebSocket, the IRC daemon, the bridge, an OSCAR server, an AIM client.

    python3 path-check --http HOST:PORT --oscar HOST:PORT [--irc HOST:PORT] [--without-tags]

runs against `bridgebot demo`, or against a bridge whose staff may sign on as --screen-name. It shares no code with
BridgeBot: the two clients here are written from the protocols. One line a check; then the time from a visitor's
line to the AIM client and from an answer to the visitor. Exit status 0 when every check held, 1 otherwise.
Python 3.11 or later, standard library only.
"""
import argparse
import contextlib
import secrets
import socket
import statistics
import sys
import time

import oscar
import visitor

# Enough visitors that none of them meets the gateway's limit of five lines at once.
LINES_AT_ONCE = 5


class Path:
    """Where the path's ends are, and a staff member who is signed on."""

    def __init__(self, options):
        self.http = address(options.http)
        self.oscar = address(options.oscar)
        self.irc = address(options.irc) if options.irc else None
        self.bot = options.bot
        self.tags = not options.without_tags
        self.screen_name = options.screen_name
        self.password = open(options.password_file).read().strip() if options.password_file else "demo"
        self.client = None
        self.visitors = 0

    def sign_on(self):
        self.client = oscar.Client(self.oscar, self.screen_name, self.password)

    @property
    def staff(self):
        if self.client is None:
            self.sign_on()
        return self.client

    @contextlib.contextmanager
    def visitor(self, **options):
        """A visitor with a nick that nobody had yet."""
        self.visitors += 1
        one = visitor.Visitor(self.http, f"visitor{self.visitors}", **options)
        try:
            yield one
        finally:
            one.close()

    def staff_gets(self, wanted, seconds=10):
        """Waits until the staff member has read a line, exactly or one for which `wanted` holds; gives that line."""
        what = "it"
        if isinstance(wanted, str):
            what, exactly = repr(wanted), wanted
            wanted = lambda line: line == exactly
        deadline, seen = time.monotonic() + seconds, []
        while True:
            try:
                sender, text = self.staff.receive(deadline - time.monotonic())
            except TimeoutError:
                raise AssertionError(f"staff did not get {what}; what came: {seen}") from None
            assert sender.lower().replace(" ", "") == self.bot.lower(), sender
            for line in text.split("\n"):
                if wanted(line):
                    return line
                seen.append(line)

    def staff_says(self, markup):
        self.staff.send(self.bot, markup)


def visitor_waits_until_staff_signs_on(path):
    with path.visitor() as anna:
        anna.say("is anybody there?", path.bot)
        anna.wait(lambda line: line.command == "NOTICE" and visitor.nick_of(line.source) == path.bot, "a word that nobody is there")
        path.sign_on()
        path.staff_gets(f"{anna.nick}: is anybody there?", 30)


def line_and_answer_arrive_as_typed(path):
    texts = [
        "hello",
        "1 < 2 && \"quotes\" <b>not bold</b> &amp; &lt;",
        "grüße, café, 日本語 😀",
        "note: call me at 10:30",
        "a \\ and a ; and a % and a /help",
    ]
    with path.visitor() as anna:
        for text in texts:
            anna.say(text, path.bot)
            path.staff_gets(f"{anna.nick}: {text}")
        for text in texts:
            path.staff_says(escape(f"{anna.nick}: {text}"))
            assert_equal(anna.answer(path.bot), text)


def formatting_of_aim_clients_becomes_text(path):
    with path.visitor() as anna:
        greet(path, anna)
        path.staff_says(
            f'<HTML><BODY BGCOLOR="#ffffff"><FONT FACE="Arial" SIZE=2>{anna.nick}: <B>bold</B> &amp; '
            "1 &lt; 2&nbsp;ok</FONT></BODY></HTML>"
        )
        assert_equal(anna.answer(path.bot).replace("\u00a0", " "), "bold & 1 < 2 ok")


def several_visitors_in_one_message(path):
    with path.visitor() as anna, path.visitor() as ben:
        greet(path, anna)
        greet(path, ben)
        path.staff_says(f"{anna.nick}: for anna<BR>{ben.nick}: for ben<BR>and more for ben")
        assert_equal(anna.answer(path.bot), "for anna")
        assert_equal(ben.answer(path.bot), "for ben")
        assert_equal(ben.answer(path.bot), "and more for ben")
        path.staff_says(f"{anna.nick},{ben.nick}: for both")
        assert_equal(anna.answer(path.bot), "for both")
        assert_equal(ben.answer(path.bot), "for both")


def unclear_addressee_is_asked_about(path):
    with path.visitor() as anna, path.visitor() as ben:
        greet(path, anna)
        greet(path, ben)
        anna.say("one more thing", path.bot)  # since then "no label" may mean either
        path.staff_gets(f"{anna.nick}: one more thing")
        for text in ("nobody-of-this-name: secret", "no label at all"):
            path.staff_says(text)
            path.staff_gets(lambda line: line.startswith("* ") and text in line)
        path.staff_says(f"{anna.nick}: after")
        assert_equal(anna.answer(path.bot), "after")
        path.staff_says(f"{ben.nick}: after")
        assert_equal(ben.answer(path.bot), "after")


def delivery_is_told_and_a_line_sent_again_counts_once(path):
    if not path.tags:
        return "skipped, --without-tags"
    with path.visitor(capabilities=["message-tags"]) as anna:
        for _ in range(2):
            anna.say("only once", path.bot, "@+bridgebot/id=line-1 ")
        anna.say("afterwards", path.bot, "@+bridgebot/id=line-2 ")
        states = set()
        while "taken" not in states:
            line = anna.wait(
                lambda line: line.command == "TAGMSG" and line.tags.get("+bridgebot/id") == "line-2", "delivery state"
            )
            states.add(line.tags["+bridgebot/state"])
        seen = []
        path.staff_gets(lambda line: seen.append(line) or line == f"{anna.nick}: afterwards")
        assert_equal(seen.count(f"{anna.nick}: only once"), 1)


def conversation_goes_on_after_a_reconnect(path):
    token = secrets.token_urlsafe(24)
    with path.visitor(token=token) as anna:
        greet(path, anna)
        label = anna.nick
    with path.visitor(token=token) as anna:
        anna.send(f"CHATHISTORY LATEST {path.bot} * 10")
        anna.wait(lambda line: line.command == "PRIVMSG" and line.parameters[-1] == "good day", "the history")
        anna.say("back again", path.bot)
        path.staff_gets(f"{label}: back again")
        path.staff_says(f"{label}: welcome back")
        anna.wait(lambda line: line.command == "PRIVMSG" and line.parameters[-1] == "welcome back", "the answer")


def second_connection_of_a_session_takes_over(path):
    token = secrets.token_urlsafe(24)
    with path.visitor(token=token) as first:
        greet(path, first)
        with path.visitor(token=token) as second:
            assert_closes(first.web_socket, 4001)
            greet(path, second, first.nick)


def second_sign_on_takes_over(path):
    old = path.staff
    path.sign_on()
    old.wait_until_closed()
    with path.visitor() as anna:
        greet(path, anna)


def channel_of_any_irc_client(path):
    if not path.irc:
        return "skipped, no --irc given"
    with socket.create_connection(path.irc, timeout=10) as connection:
        lines = connection.makefile("rw", encoding="utf-8", newline="\r\n")
        lines.write("NICK carla\r\nUSER carla 0 * :carla\r\n")
        lines.flush()
        for line in lines:
            command = line.split()[1]
            if line.startswith("PING"):
                lines.write(line.replace("PING", "PONG", 1))
            elif command == "001":
                lines.write("JOIN #support\r\n")
            elif command == "366":
                lines.write("PRIVMSG #support :from the channel\r\n")
            else:
                continue
            lines.flush()
            if command == "366":
                break
        path.staff_gets("carla: from the channel")
        path.staff_says("carla: to you alone")
        for line in lines:
            if " PRIVMSG " in line:
                assert line.endswith(" PRIVMSG carla :to you alone\r\n"), line
                return None
    raise AssertionError("no answer came to the IRC client")


def wrong_password_is_refused(path):
    for name, code in ((path.screen_name, 5), ("nobodyatall", 1)):
        try:
            oscar.Client(path.oscar, name, "wrong").close()
        except oscar.Refused as refusal:
            assert_equal(refusal.code, code)
        else:
            raise AssertionError(f"{name} signed on with a wrong password")


def foreign_pages_are_refused(path):
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}):
        try:
            visitor.WebSocket(path.http, headers=headers).close()
        except visitor.Refused as refusal:
            assert 400 <= refusal.status < 500, refusal
        else:
            raise AssertionError(f"a handshake with {headers} was accepted")


def commands_beyond_a_visitors_are_refused(path):
    with path.visitor() as anna:
        for line, numeric in (
            ("JOIN #support", "421"),
            ("OPER admin admin", "421"),
            ("LIST", "421"),
            ("PRIVMSG #support :hello", "401"),
            ("PRIVMSG somebody :hello", "401"),
            (f"PRIVMSG {path.bot},somebody :hello", "401"),
        ):
            anna.send(line)
            anna.wait(lambda line: line.command == numeric, f"{numeric} for {line}")
        greet(path, anna)


def line_breaks_in_a_frame_are_no_second_line(path):
    with path.visitor() as anna:
        anna.send(f"PRIVMSG {path.bot} :one\r\nJOIN #support")
        try:
            anna.wait(lambda line: line.command == "JOIN", "a JOIN", 0.5)
        except (TimeoutError, visitor.Closed):
            pass
        else:
            raise AssertionError("a line break smuggled a command in")


def frames_may_come_in_pieces(path):
    with path.visitor() as anna:
        line = f"PRIVMSG {path.bot} :in three pieces".encode()
        anna.web_socket.send(line[:5], final=False)
        anna.web_socket.send(b"are you there?", visitor.PING)
        anna.web_socket.send(line[5:20], visitor.CONTINUATION, final=False)
        anna.web_socket.send(line[20:], visitor.CONTINUATION)
        path.staff_gets(f"{anna.nick}: in three pieces")


def bad_frames_end_only_their_own_connection(path):
    with path.visitor() as witness:
        with path.visitor() as anna:
            anna.send("PRIVMSG " + path.bot + " :" + "x" * 8192)
            assert_closes(anna.web_socket, 1009)
        with path.visitor() as anna:
            anna.web_socket.send(b"PING unmasked", masked=False)
            assert_closes(anna.web_socket, 1002)
        with path.visitor() as anna:
            anna.web_socket.send(b"PRIVMSG x :\xff\xfe")
            assert_closes(anna.web_socket, 1007)
        greet(path, witness)


CHECKS = [
    visitor_waits_until_staff_signs_on,
    line_and_answer_arrive_as_typed,
    formatting_of_aim_clients_becomes_text,
    several_visitors_in_one_message,
    unclear_addressee_is_asked_about,
    delivery_is_told_and_a_line_sent_again_counts_once,
    conversation_goes_on_after_a_reconnect,
    second_connection_of_a_session_takes_over,
    second_sign_on_takes_over,
    channel_of_any_irc_client,
    wrong_password_is_refused,
    foreign_pages_are_refused,
    commands_beyond_a_visitors_are_refused,
    line_breaks_in_a_frame_are_no_second_line,
    frames_may_come_in_pieces,
    bad_frames_end_only_their_own_connection,
]


def main():
    options = command_line()
    path = Path(options)
    held = [tell(check.__name__.replace("_", " "), check, path) for check in CHECKS]
    held.append(tell("lines arrive in time", report_latencies, path, options.count, options.limit))
    return 0 if all(held) else 1


def tell(name, check, *arguments):
    """Runs a check and prints one line; whether it held."""
    try:
        note = check(*arguments)
    except Exception as error:  # whatever it died of, the others are run too
        print(f"FAIL  {name}: {type(error).__name__}: {error}", flush=True)
        return False
    print(f"ok    {name}{f': {note}' if note else ''}", flush=True)
    return True


def report_latencies(path, count, limit):
    ways = zip(("to the AIM client", "to the visitor"), latencies(path, count))
    notes = []
    for way, seconds in ways:
        median = statistics.median(seconds) * 1000
        notes.append(f"{way} median {median:.1f} ms, slowest {max(seconds) * 1000:.1f} ms of {len(seconds)}")
        assert not limit or median <= limit, f"{notes[-1]}; at most {limit} ms are allowed"
    return "; ".join(notes)


def latencies(path, count):
    """Seconds from a line's sending to its arrival, both ways, `count` times each."""
    to_staff, to_visitor = [], []
    while len(to_staff) < count:
        with path.visitor() as anna:
            for _ in range(min(LINES_AT_ONCE, count - len(to_staff))):
                text = secrets.token_hex(8)
                from_here = time.perf_counter()
                anna.say(text, path.bot)
                path.staff_gets(f"{anna.nick}: {text}")
                to_staff.append(time.perf_counter() - from_here)
                from_here = time.perf_counter()
                path.staff_says(f"{anna.nick}: {text}")
                assert_equal(anna.answer(path.bot), text)
                to_visitor.append(time.perf_counter() - from_here)
    return to_staff, to_visitor


def greet(path, one, label=None):
    """A line and its answer: the conversation is open and works both ways."""
    one.say("good day", path.bot)
    path.staff_gets(f"{label or one.nick}: good day")
    path.staff_says(f"{label or one.nick}: good day to you")
    assert_equal(one.answer(path.bot), "good day to you")


def assert_closes(web_socket, *codes):
    deadline = time.monotonic() + 10
    try:
        while True:
            web_socket.receive(deadline)
    except visitor.Closed as closed:
        assert closed.code in codes, closed


def assert_equal(found, expected):
    assert found == expected, f"{found!r} instead of {expected!r}"


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def address(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


def command_line():
    parser = argparse.ArgumentParser(prog="path-check", description=__doc__.split("\n")[0])
    parser.add_argument("--http", required=True, help="the bridge's web listener")
    parser.add_argument("--oscar", required=True, help="the OSCAR server")
    parser.add_argument("--irc", help="the IRC daemon, for the channel's check")
    parser.add_argument("--without-tags", action="store_true", help="the IRC daemon relays no client tags")
    parser.add_argument("--bot", default="bridgebot", help="the bridge's nick and screen name")
    parser.add_argument("--screen-name", default="staff2", help="the staff member to sign on as")
    parser.add_argument("--password-file", help="its password (the demo's otherwise)")
    parser.add_argument("--count", type=int, default=20, help="lines each way for the latencies")
    parser.add_argument("--limit", type=float, help="fail when a median is above so many milliseconds")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
