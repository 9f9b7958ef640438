"""A visitor: WebSocket by hand (RFC 6455), and just enough IRC over it. Knows the wire, nothing of BridgeBot."""
import base64
import collections
import hashlib
import os
import re
import socket
import struct
import time

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
ACCEPT_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TAG_ESCAPES = {":": ";", "s": " ", "\\": "\\", "r": "\r", "n": "\n"}


class Refused(Exception):
    """The server answered the handshake with something else than 101."""

    def __init__(self, status):
        super().__init__(f"the handshake was answered with {status}")
        self.status = status


class Closed(Exception):
    """The connection has ended; `code` is the WebSocket close code, or None for none."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}".rstrip())
        self.code = code


class WebSocket:
    def __init__(self, address, path="/irc", headers=None):
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""
        key = base64.b64encode(os.urandom(16))
        host = f"{address[0]}:{address[1]}"
        fields = {
            "Host": host,
            "Origin": f"http://{host}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key.decode(),
            "Sec-WebSocket-Protocol": "text.ircv3.net",
        }
        fields.update(headers or {})
        lines = [f"GET {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in fields.items() if value]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        head = self._head(time.monotonic() + 10)
        status = int(head[0].split()[1])
        if status != 101:
            self.socket.close()
            raise Refused(status)
        answer = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:])}
        expected = base64.b64encode(hashlib.sha1(key + ACCEPT_KEY).digest()).decode()
        assert answer["sec-websocket-accept"] == expected, answer
        self.protocol = answer.get("sec-websocket-protocol")

    def send(self, payload, opcode=TEXT, final=True, masked=True):
        mask = os.urandom(4) if masked else b""
        length = len(payload)
        if length < 126:
            size = struct.pack(">B", length | masked << 7)
        elif length < 1 << 16:
            size = struct.pack(">BH", 126 | masked << 7, length)
        else:
            size = struct.pack(">BQ", 127 | masked << 7, length)
        if masked:
            payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.socket.sendall(struct.pack(">B", opcode | final << 7) + size + mask + payload)

    def receive(self, deadline):
        """The next whole message; pings are answered. TimeoutError, Closed."""
        message = b""
        while True:
            first, second = self._exactly(2, deadline)
            if second & 0x80:
                raise Closed(None, "a server's frame was masked")
            length = second & 0x7F
            if length == 126:
                length = struct.unpack(">H", self._exactly(2, deadline))[0]
            elif length == 127:
                length = struct.unpack(">Q", self._exactly(8, deadline))[0]
            payload = self._exactly(length, deadline)
            opcode = first & 0x0F
            if opcode == PING:
                self.send(payload, PONG)
            elif opcode == CLOSE:
                code = struct.unpack(">H", payload[:2])[0] if payload else None
                raise Closed(code, payload[2:].decode())
            elif opcode in (TEXT, BINARY, CONTINUATION):
                message += payload
                if first & 0x80:
                    return message

    def _head(self, deadline):
        while b"\r\n\r\n" not in self.unread:
            self._fill(deadline)
        head, self.unread = self.unread.split(b"\r\n\r\n", 1)
        return head.decode().split("\r\n")

    def _exactly(self, count, deadline):
        while len(self.unread) < count:
            self._fill(deadline)
        some, self.unread = self.unread[:count], self.unread[count:]
        return some

    def _fill(self, deadline):
        self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            some = self.socket.recv(65536)
        except ConnectionError:
            some = b""
        if not some:
            raise Closed(None)
        self.unread += some

    def close(self):
        try:
            self.send(struct.pack(">H", 1000), CLOSE)
        except OSError:
            pass
        self.socket.close()


Message = collections.namedtuple("Message", "tags source command parameters")


class Visitor:
    """One registered visitor. Lines that nobody waited for stay in order for who waits later."""

    def __init__(self, address, nick, capabilities=(), token=None):
        self.nick = nick
        self.web_socket = WebSocket(address)
        self.lines = collections.deque()
        if token:
            self.send(f"SESSION {token}")
        self.send("CAP LS 302")
        self.send(f"NICK {nick}")
        self.send(f"USER {nick} 0 * :{nick}")
        if capabilities:
            self.send(f"CAP REQ :{' '.join(capabilities)}")
            self.wait(lambda line: line.command == "CAP" and line.parameters[1:2] == ["ACK"], "CAP ACK")
        self.send("CAP END")
        self.wait(lambda line: line.command == "001", "the welcome")

    def send(self, line):
        self.web_socket.send(line.encode())

    def say(self, text, to, tags=""):
        self.send(f"{tags}PRIVMSG {to} :{text}")

    def answer(self, bot, seconds=10):
        """The next PRIVMSG from the bot to this visitor."""
        line = self.wait(
            lambda line: line.command == "PRIVMSG" and nick_of(line.source) == bot, f"an answer from {bot}", seconds
        )
        assert line.parameters[0] == self.nick, line
        return line.parameters[1]

    def wait(self, wanted, what, seconds=10):
        """The first line that is wanted; others stay for later waits."""
        seen = [at for at, line in enumerate(self.lines) if wanted(line)]
        if seen:
            line = self.lines[seen[0]]
            del self.lines[seen[0]]
            return line
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = parse(self.web_socket.receive(deadline).decode())
            except TimeoutError:
                raise TimeoutError(f"{self.nick} got no {what}; what came: {list(self.lines)[-5:]}") from None
            if line.command == "PING":
                self.send(f"PONG :{line.parameters[-1]}")
            elif wanted(line):
                return line
            else:
                self.lines.append(line)

    def close(self):
        self.web_socket.close()


def nick_of(source):
    return source.split("!", 1)[0]


def parse(line):
    r"""
    >>> parse(r'@time=12;+x=a\sb :bot!b@h PRIVMSG anna :hello there')
    Message(tags={'time': '12', '+x': 'a b'}, source='bot!b@h', command='PRIVMSG', parameters=['anna', 'hello there'])
    >>> parse('PING x')
    Message(tags={}, source='', command='PING', parameters=['x'])
    """
    tags, source = {}, ""
    if line.startswith("@"):
        block, line = line[1:].split(" ", 1)
        for tag in block.split(";"):
            name, _, value = tag.partition("=")
            tags[name] = re.sub(r"\\(.?)", lambda found: TAG_ESCAPES.get(found[1], found[1]), value)
    if line.startswith(":"):
        source, line = line[1:].split(" ", 1)
    line, colon, trailing = line.partition(" :")
    command, *parameters = line.split()
    return Message(tags, source, command, parameters + ([trailing] if colon else []))
