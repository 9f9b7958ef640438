"""A staff member's AIM client: sign-on by MD5 challenge, messages both ways. Knows the wire, nothing of BridgeBot."""
import collections
import hashlib
import html
import os
import re
import socket
import struct
import time

SIGN_ON, DATA, SIGN_OFF = 1, 2, 4
# The food groups that it speaks, with their versions.
VERSIONS = [(0x01, 3), (0x02, 1), (0x03, 1), (0x04, 1), (0x09, 1), (0x13, 3)]


class Refused(Exception):
    """The server did not let this account sign on; `code` is its reason (TLV 8)."""

    def __init__(self, code):
        super().__init__(f"sign-on refused with code {code:#06x}")
        self.code = code


class Closed(Exception):
    """The server ended the connection."""


class Connection:
    """FLAP frames and SNACs over one TCP connection."""

    def __init__(self, address, hello=b""):
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sequence = 0
        self.request = 0
        self.unread = b""
        channel, body = self.frame(10)
        if (channel, body[:4]) != (SIGN_ON, b"\0\0\0\1"):
            raise Closed(f"the server began with channel {channel}, {body.hex()}")
        self.send_frame(SIGN_ON, b"\0\0\0\1" + hello)

    def send_frame(self, channel, body):
        self.sequence = (self.sequence + 1) & 0x7FFF
        self.socket.sendall(struct.pack(">BBHH", 0x2A, channel, self.sequence, len(body)) + body)

    def send(self, group, subgroup, body=b""):
        self.request += 1
        self.send_frame(DATA, struct.pack(">HHHI", group, subgroup, 0, self.request) + body)

    def frame(self, seconds):
        """The next frame's channel and body; TimeoutError, Closed."""
        deadline = time.monotonic() + seconds
        while len(self.unread) < 6 or len(self.unread) < 6 + struct.unpack(">H", self.unread[4:6])[0]:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                some = self.socket.recv(65536)
            except ConnectionError as error:
                raise Closed(str(error)) from error
            if not some:
                raise Closed("the server closed the connection")
            self.unread += some
        marker, channel, _, length = struct.unpack(">BBHH", self.unread[:6])
        if marker != 0x2A:
            raise Closed(f"a frame began with {marker:#04x}")
        body, self.unread = self.unread[6:6 + length], self.unread[6 + length:]
        return channel, body

    def snac(self, seconds):
        """The next SNAC's group, subgroup and body; Closed when the server signs off."""
        deadline = time.monotonic() + seconds
        while True:
            channel, body = self.frame(max(deadline - time.monotonic(), 0.001))
            if channel == SIGN_OFF:
                raise Closed("the server signed this session off")
            if channel == DATA:
                group, subgroup, flags, _ = struct.unpack(">HHHI", body[:10])
                body = body[10:]
                if flags & 0x8000:
                    body = body[2 + struct.unpack(">H", body[:2])[0]:]
                return group, subgroup, body

    def close(self):
        try:
            self.send_frame(SIGN_OFF, b"")
        except OSError:
            pass
        self.socket.close()


class Client:
    """One signed-on account."""

    def __init__(self, address, screen_name, password):
        self.screen_name = screen_name
        self.messages = collections.deque()
        self.acknowledged = set()
        bos, cookie = authorize(address, screen_name, password)
        self.connection = Connection(bos, tlv(6, cookie))
        self._expect(1, 3)
        families = b"".join(struct.pack(">HH", *one) for one in VERSIONS)
        self.connection.send(1, 0x17, families)
        self._expect(1, 0x18)
        self.connection.send(1, 6)
        self._expect(1, 7)
        self.connection.send(1, 8, struct.pack(">5H", 1, 2, 3, 4, 5))
        # Without its buddy list asked for, open-oscar-server shows an account to nobody.
        self.connection.send(0x13, 4)
        self._expect(0x13, 6)
        self.connection.send(0x13, 7)
        self.connection.send(4, 2, struct.pack(">HIHHHI", 0, 0x0B, 8000, 999, 999, 0))
        self.connection.send(1, 2, b"".join(struct.pack(">HHHH", *one, 0x0110, 0x0629) for one in VERSIONS))
        self.connection.send(1, 0x0E)
        self._expect(1, 0x0F)

    def send(self, to, markup, seconds=10):
        """Sends an instant message and waits for the server's acknowledgement."""
        cookie = os.urandom(8)
        try:
            text, charset = markup.encode("ascii"), 0
        except UnicodeEncodeError:
            text, charset = markup.encode("utf-16-be"), 2
        fragments = b"\5\1\0\1\1" + struct.pack(">BBHHH", 1, 1, len(text) + 4, charset, 0) + text
        name = to.encode()
        self.connection.send(
            4, 6, cookie + struct.pack(">HB", 1, len(name)) + name + tlv(2, fragments) + tlv(3, b"")
        )
        deadline = time.monotonic() + seconds
        while cookie not in self.acknowledged:
            self._pump(deadline)

    def receive(self, seconds=10):
        """The next message: sender and plain text."""
        deadline = time.monotonic() + seconds
        while not self.messages:
            self._pump(deadline)
        return self.messages.popleft()

    def wait_until_closed(self, seconds=10):
        """Reads until the server ends the session."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self._pump(deadline)
        except Closed:
            return

    def close(self):
        self.connection.close()

    def _expect(self, group, subgroup):
        deadline = time.monotonic() + 10
        while self._pump(deadline) != (group, subgroup):
            pass

    def _pump(self, deadline):
        group, subgroup, body = self.connection.snac(deadline - time.monotonic())
        if (group, subgroup) == (4, 7):
            message = message_of(body)
            if message:
                self.messages.append(message)
        elif (group, subgroup) == (4, 0x0C):
            self.acknowledged.add(body[:8])
        elif (group, subgroup) == (4, 1):
            raise Closed(f"the server refused a message with error {body[:2].hex()}")
        return group, subgroup


def authorize(address, screen_name, password):
    """Asks the authorizer: the BOS address and the cookie for it, or Refused."""
    connection = Connection(address)
    name = screen_name.encode()
    connection.send(0x17, 6, tlv(1, name) + tlv(0x4B, b"") + tlv(0x5A, b""))
    _, subgroup, body = connection.snac(10)
    if subgroup != 7:
        raise Refused(code_of(body))
    challenge = body[2:2 + struct.unpack(">H", body[:2])[0]]
    digest = hashlib.md5(
        challenge + hashlib.md5(password.encode()).digest() + b"AOL Instant Messenger (SM)"
    ).digest()
    connection.send(
        0x17, 2,
        tlv(1, name) + tlv(0x25, digest) + tlv(0x4C, b"") + tlv(3, b"path-check")
        + tlv(0x17, b"\0\5") + tlv(0x0F, b"en") + tlv(0x0E, b"us") + tlv(0x4A, b"\3"),  # one session at a time
    )
    _, _, body = connection.snac(10)
    connection.close()
    fields = tlvs(body)
    if 6 not in fields:
        raise Refused(code_of(body))
    host, port = fields[5].decode().rsplit(":", 1)
    return (host, int(port)), fields[6]


def code_of(body):
    return int.from_bytes(tlvs(body).get(8, b""), "big")


def tlv(kind, value):
    return struct.pack(">HH", kind, len(value)) + value


def tlvs(block):
    fields = {}
    while len(block) >= 4:
        kind, length = struct.unpack(">HH", block[:4])
        fields[kind], block = block[4:4 + length], block[4 + length:]
    return fields


def message_of(body):
    """Sender and plain text of an incoming message, or None where it holds no text."""
    _, channel, length = struct.unpack(">8sHB", body[:11])
    sender, body = body[11:11 + length].decode(), body[11 + length:]
    _, count = struct.unpack(">HH", body[:4])
    body = body[4:]
    for _ in range(count):  # facts about the sender
        body = body[4 + struct.unpack(">H", body[2:4])[0]:]
    fragments = tlvs(body).get(2, b"")
    if channel != 1:
        return None
    text = ""
    while len(fragments) >= 4:
        kind, _, length = struct.unpack(">BBH", fragments[:4])
        data, fragments = fragments[4:4 + length], fragments[4 + length:]
        if kind == 1:
            text += decode(int.from_bytes(data[:2], "big"), data[4:])
    return (sender, plain(text)) if text else None


def decode(charset, data):
    if charset == 2:
        return data.decode("utf-16-be")
    if charset == 3:
        return data.decode("latin-1")
    return data.decode("utf-8")


def plain(markup):
    r"""
    >>> plain('<HTML><BODY>anna: 1 &lt; 2 &amp; <B>bold</B><BR>next</BODY></HTML>')
    'anna: 1 < 2 & bold\nnext'
    """
    return html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"(?i)<br\s*/?>", "\n", markup)))
