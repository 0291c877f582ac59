"""A mail as bytes (RFC 5322, 2045-2047, 2231): text and HTML as alternatives, attachments beside them.

Written out here because `email.message.EmailMessage` takes longer to build a mail than a server takes to accept one;
the encodings themselves are the standard library's. Anything that could smuggle in a header is refused.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from email.header import Header
from email.utils import format_datetime
from urllib.parse import quote

from fundapp.domain.outside import Address, Attachment, Message, Permanent

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")
_SAFE_ASCII = re.compile(r"[ -~]{0,60}")
_FILE_NAME = re.compile(r"[A-Za-z0-9 ._()-]{1,60}")
_ATOMS = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]*")


def render(message: Message, sender: Address) -> bytes:
    """Return the mail as it goes over the line after DATA: CRLF, dots doubled, with the final dot.

    Raises Permanent, naming the part, when an address, id or header could not be sent as it is.
    """
    if not _MESSAGE_ID.fullmatch(message.message_id):
        raise Permanent("the Message-ID is not of the form local@domain")
    # "=_" cannot occur in quoted-printable or base64, so no text can imitate a boundary.
    mark = "=_" + hashlib.sha256(message.message_id.encode()).hexdigest()[:24]
    head = [
        "From: " + _mailbox(sender, "sender"),
        "To: " + _mailbox(message.to, "recipient"),
        "Subject: " + _words(message.subject, "subject"),
        "Date: " + format_datetime(message.sent_at),
        f"Message-ID: <{message.message_id}>",
        "Auto-Submitted: auto-generated",
        f"Content-Language: {message.language}",
        "MIME-Version: 1.0",
    ]
    if message.reply_to:
        head.insert(2, "Reply-To: " + _mailbox(message.reply_to, "reply address"))
    body = _alternative(message, mark)
    if message.attachments:
        body = _mixed(body, message.attachments, mark + "m")
    text = "\r\n".join(head).encode("ascii") + b"\r\n" + body
    return text.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def envelope_address(address: Address) -> str:
    """Return the bare address for MAIL FROM and RCPT TO, the domain in ASCII. Raises Permanent if it is none."""
    local, at, domain = address.email.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or len(local) > 64:
        raise Permanent(f"not an e-mail address: {_shown(address.email)}")
    return f"{local}@{_domain_ascii(domain)}"


def _domain_ascii(domain: str) -> str:
    """Return a domain in ASCII (punycode). Raises Permanent if it is no domain."""
    try:
        plain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise Permanent(f"not a mail domain: {_shown(domain)}") from error
    if not _DOMAIN.fullmatch(plain) or len(plain) > 253:
        raise Permanent(f"not a mail domain: {_shown(domain)}")
    return plain


def _alternative(message: Message, mark: str) -> bytes:
    parts = [f'Content-Type: multipart/alternative; boundary="{mark}"\r\n'.encode()]
    for kind, text in (("plain", message.text), ("html", message.html)):
        parts.append(
            f"\r\n--{mark}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n".encode()
        )
        parts.append(_quoted_printable(text))
    parts.append(f"\r\n--{mark}--\r\n".encode())
    return b"".join(parts)


def _quoted_printable(text: str) -> bytes:
    # With a CRLF at the end b2a_qp breaks long lines with CRLF too; without any it would use a bare LF.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").replace("\n", "\r\n") + "\r\n"
    return binascii.b2a_qp(lines.encode("utf-8", "replace"), istext=True)


def _mixed(body: bytes, attachments: tuple[Attachment, ...], mark: str) -> bytes:
    parts = [f'Content-Type: multipart/mixed; boundary="{mark}"\r\n\r\n--{mark}\r\n'.encode(), body]
    for attachment in attachments:
        if not _MEDIA_TYPE.fullmatch(attachment.media_type):
            raise Permanent("the media type of an attachment is not of the form type/subtype")
        if _CONTROL.search(attachment.name):
            raise Permanent("a line break or control sign in the name of an attachment")
        parts.append(
            f"\r\n--{mark}\r\nContent-Type: {attachment.media_type}\r\nContent-Transfer-Encoding: base64\r\n"
            f"Content-Disposition: attachment; {_file_name(attachment.name)}\r\n\r\n".encode()
        )
        parts.append(_base64(attachment.content))
    parts.append(f"\r\n--{mark}--\r\n".encode())
    return b"".join(parts)


def _file_name(name: str) -> str:
    if _FILE_NAME.fullmatch(name):
        return f'filename="{name}"'
    return f"filename*=utf-8''{quote(name, safe='')}"


def _base64(content: bytes) -> bytes:
    lines = [binascii.b2a_base64(content[i : i + 57], newline=False) for i in range(0, len(content), 57)]
    return b"\r\n".join(lines)


def _mailbox(address: Address, what: str) -> str:
    bare = envelope_address(address)
    if not address.name:
        return bare
    if _SAFE_ASCII.fullmatch(address.name) and "=?" not in address.name:
        if _ATOMS.fullmatch(address.name):
            return f"{address.name} <{bare}>"
        escaped = address.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{bare}>'
    return f"{_words(address.name, what)}\r\n <{bare}>"


def _words(text: str, what: str) -> str:
    """A header's text, encoded and folded where it must be; a newline in it would begin another header."""
    if _CONTROL.search(text):
        raise Permanent(f"a line break or control sign in the {what}")
    if _SAFE_ASCII.fullmatch(text) and "=?" not in text:
        return text
    return Header(text, "utf-8", maxlinelen=74, header_name="Content-Language").encode(linesep="\r\n")


def _shown(text: str) -> str:
    return repr(text[:80])
