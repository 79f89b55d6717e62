#!/usr/bin/env python3
"""Fake servers: one small asyncio handler for each wrong (or merely odd) way to answer.

FAKES maps a name to its handler; the n-th one listens on port FAKE_BASE + n of 127.0.0.1.
Run as a program it serves all of them until killed.
"""

import asyncio
import socket
import ssl
import struct

from cryptography.exceptions import InvalidTag

from common import FAKE_BASE, FIRST_PORT, load_pki
from handshakes import handshake

FAKES = {}
SSL_REQUEST = 80877103
AUTH_OK = b"R" + struct.pack("!ii", 8, 0)
WELCOME = AUTH_OK + b"K" + struct.pack("!iii", 12, 1, 2) + b"Z" + struct.pack("!ic", 5, b"I")
HANDSHAKE_FAILURE, PROTOCOL_VERSION, UNRECOGNIZED_NAME = 40, 70, 112


def fake(handler):
    FAKES[handler.__name__] = handler
    return handler


def error(code, text):
    body = b"".join(f"{key}{value}".encode() + b"\0" for key, value in
                    (("S", "FATAL"), ("V", "FATAL"), ("C", code), ("M", text))) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


def authentication(kind, extra=b""):
    return b"R" + struct.pack("!ii", 8 + len(extra), kind) + extra


async def request(reader):
    """Read one startup packet; its code: SSL_REQUEST, 196608 for protocol 3.0, ..."""
    length, code = struct.unpack("!ii", await reader.readexactly(8))
    await reader.readexactly(max(0, min(length, 10000) - 8))
    return code


async def until_closed(reader):
    while await reader.read(4096):
        pass


def reset(writer):
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def context(cert="good", alpn=None, maximum=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    entry = PKI_LAB["certs"][cert]
    made.load_cert_chain(entry["chain"], entry["key"])
    if alpn:
        made.set_alpn_protocols(alpn)
    if maximum:
        made.maximum_version = maximum
    return made


def replying(name, answer, startup=None):
    """A server that answers SSLRequest with `answer`, and a plain startup packet with `startup`."""
    async def handler(reader, writer):
        while True:
            code = await request(reader)
            if code != SSL_REQUEST and startup is None:
                return
            writer.write(answer if code == SSL_REQUEST else startup)
            await writer.drain()
            if code != SSL_REQUEST:
                return await until_closed(reader)
    handler.__name__ = name
    return fake(handler)


def tls(name, after, plain=WELCOME, answer=b"S", **options):
    """A server that does TLS after 'S' and then answers the startup packet with `after`."""
    async def handler(reader, writer):
        if await request(reader) != SSL_REQUEST:
            writer.write(plain)
            return await until_closed(reader)
        writer.write(answer)
        await writer.start_tls(context(**options))
        await request(reader)
        writer.write(after)
        await writer.drain()
        if after:
            await until_closed(reader)
    handler.__name__ = name
    return fake(handler)


def after_s(name, answer, delay=0, wait_for_hello=True, finish="close", plain=WELCOME):
    """A server that says 'S' and then, instead of TLS, sends `answer` and closes (or resets)."""
    async def handler(reader, writer):
        if await request(reader) != SSL_REQUEST:
            writer.write(plain)
            return await until_closed(reader)
        writer.write(b"S")
        await writer.drain()
        if wait_for_hello:
            await reader.read(4096)
        await asyncio.sleep(delay)
        writer.write(answer)
        await writer.drain()
        if finish == "reset":
            reset(writer)
        elif finish == "hang":
            await until_closed(reader)
    handler.__name__ = name
    return fake(handler)


def greeting(name, text, complaint, patience):
    """A server of another protocol: speaks first, complains after `patience` unexpected bytes."""
    async def handler(reader, writer):
        writer.write(text)
        await writer.drain()
        await reader.readexactly(patience)
        writer.write(complaint)
    handler.__name__ = name
    return fake(handler)


def alert(number):
    return bytes([21, 3, 3, 0, 2, 2, number])


def direct(name, **options):
    """TLS from the first byte (sslnegotiation=direct), then the startup packet."""
    async def handler(reader, writer):
        await writer.start_tls(context(**options))
        await request(reader)
        writer.write(WELCOME)
        await until_closed(reader)
    handler.__name__ = name
    return fake(handler)


OLD_SERVER = error("0A000", "unsupported frontend protocol 1234.5679: server supports 1.0 to 3.0")
NO_ENTRY = error("28000", 'no pg_hba.conf entry for host "127.0.0.1", user "rig", '
                          'database "rig", no encryption')
INTERNAL = error("53300", "sorry, too many clients already")

replying("n_ok", b"N", WELCOME)
replying("n_close", b"N")
replying("n_error", b"N", NO_ENTRY)
replying("n_password", b"N", authentication(3))
replying("n_extra_bytes", b"N" + WELCOME, WELCOME)
replying("error_reply", OLD_SERVER, WELCOME)
replying("error_reply_then_rejects", OLD_SERVER, NO_ENTRY)
replying("error_reply_v2", b"EFATAL:  unsupported frontend protocol\n\0", WELCOME)
replying("junk_reply", b"X", WELCOME)
replying("g_reply", b"G", WELCOME)
replying("lower_s_reply", b"s", WELCOME)
replying("http_reply", b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
         b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
greeting("ssh_banner", b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
         b"Invalid SSH identification string.\r\n", 256)
greeting("mysql_greeting", b"J\0\0\0\n8.0.36\0" + b"\1" * 60,
         b"!\0\0\1\xff\x84\x04Got packets out of order", 4)
after_s("s_plain_junk", b"this is no TLS record at all\n")
after_s("s_plain_error", INTERNAL)
after_s("s_late_injection", AUTH_OK, delay=0.1, wait_for_hello=False)
after_s("s_alert_handshake_failure", alert(HANDSHAKE_FAILURE))
after_s("s_alert_protocol_version", alert(PROTOCOL_VERSION))
after_s("s_alert_unrecognized_name", alert(UNRECOGNIZED_NAME))
after_s("s_close", b"")
after_s("s_reset", b"", finish="reset")
after_s("s_reset_plain_rejects", b"", finish="reset", plain=NO_ENTRY)
after_s("s_truncated", bytes([22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3]))
after_s("s_hang", b"", finish="hang")
tls("s_injection", WELCOME, answer=b"S" + AUTH_OK)
tls("s_injection_one_byte", WELCOME, answer=b"SN")
tls("tls_ok", WELCOME)
tls("tls_close", b"")
tls("tls_error", INTERNAL)
tls("tls_junk", b"X\0\0\0\4")
tls("tls_password", authentication(3))
tls("tls_md5", authentication(5, b"salt"))
tls("tls_scram", authentication(10, b"SCRAM-SHA-256\0\0"))
tls("tls_scram_plus", authentication(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"))
tls("tls_sasl_unknown", authentication(10, b"OTHER-MECHANISM\0\0"))
tls("tls_gss", authentication(7))
tls("tls_kerberos_v5", authentication(2))
tls("tls_other_alpn", WELCOME, alpn=["http/1.1"])
tls("tls_expired", WELCOME, cert="expired_leaf")
direct("direct_alpn", alpn=["postgresql"])
direct("direct_no_alpn")
direct("direct_other_alpn", alpn=["http/1.1"])


def negotiate(newest, *names, count=None):
    """NegotiateProtocolVersion."""
    body = struct.pack("!ii", newest, len(names) if count is None else count)
    body += b"".join(name.encode() + b"\0" for name in names)
    return b"v" + struct.pack("!i", len(body) + 4) + body


V30, V31, V32, V39 = 196608, 196609, 196610, 196617
SASL = b"SCRAM-SHA-256\0"

# What a server may answer to a StartupMessage, by the name of the database that is asked for.
REPLIES = {
    "ok_then_error": AUTH_OK + error("3D000", 'database "x" does not exist'),
    "starting": error("57P03", "the database system is starting up"),
    "stopping": error("57P03", "the database system is shutting down"),
    "locked": error("28P01", 'account "rig" is locked'),
    "no_ca_store": error("F0000", "client certificates can only be checked if a root certificate "
                                  "store is available"),
    "want_certificate": error("28000", "connection requires a valid client certificate"),
    "bad_layout": error("08P01", "invalid startup packet layout: expected terminator as last byte"),
    "unsupported": error("0A000", "unsupported frontend protocol 3.0: server supports 1.0 to 2.0"),
    "no_sqlstate": b"E\0\0\0\x0fSFATAL\0Mx\0\0",
    "empty_error": b"E\0\0\0\x08\0\0\0\0",
    "error_length_4": b"E\0\0\0\4",
    "error_length_7": b"E\0\0\0\7old\0",
    "error_length_30001": b"E\0\0\x75\x31" + b"x" * 40 + b"\0",
    "error_old_style": b"EFATAL:  no such thing\n\0",
    "error_cut_short": b"E\0\0\1\0SFATAL\0",
    "request_length_4": b"R\0\0\0\4",
    "request_length_7": b"R\0\0\0\7\0\0\0",
    "request_length_2001": b"R\0\0\7\xd1" + bytes(1997),
    "request_cut_short": b"R\0\0\0\x08\0",
    "kerberos_v4": authentication(1), "crypt": authentication(4, b"sa"), "scm": authentication(6),
    "md5_no_salt": authentication(5), "gss_continue": authentication(8), "sspi": authentication(9),
    "sasl_continue": authentication(11, b"x"), "unknown_13": authentication(13),
    "unknown_many": authentication(0x7FFFFFFF),
    "sasl_empty": authentication(10, b"\0"), "sasl_nothing": authentication(10),
    "sasl_no_end": authentication(10, SASL), "sasl_two": authentication(10, b"X\0" + SASL + b"\0"),
    "sasl_plus_only": authentication(10, b"SCRAM-SHA-256-PLUS\0\0"),
    "oauth": authentication(10, b"OAUTHBEARER\0\0"),
    "notice_first": b"N" + error("00000", "hello")[1:] + WELCOME,
    "parameter_first": b"S\0\0\0\x08a\0b\0" + WELCOME,
    "ready_first": b"Z\0\0\0\5I",
    "v_nothing": negotiate(V30) + WELCOME, "v_31": negotiate(V31) + WELCOME,
    "v_32": negotiate(V32) + WELCOME, "v_39": negotiate(V39) + WELCOME,
    "v_20": negotiate(131072) + WELCOME, "v_option": negotiate(V30, "_pq_.x") + WELCOME,
    "v_option_32": negotiate(V32, "_pq_.x") + WELCOME,
    "v_two_options": negotiate(V30, "_pq_.x", "_pq_.y") + WELCOME,
    "v_odd_option": negotiate(V30, "user") + WELCOME,
    "v_cut_short": negotiate(V30)[:-2], "v_count": negotiate(V30, count=5) + WELCOME,
    "v_twice": negotiate(V30) * 2 + WELCOME, "v_then_error": negotiate(V30) + NO_ENTRY,
    "v_length_7": b"v\0\0\0\7\0\3\0", "v_length_2001": b"v\0\0\7\xd1" + bytes(1997),
}


@fake
async def by_database(reader, writer):
    """Answers as the name of the database says, in TLS and without."""
    async def asked():
        length, code = struct.unpack("!ii", await reader.readexactly(8))
        body = (await reader.readexactly(length - 8)).split(b"\0")
        return code, dict(zip(body[::2], body[1::2])).get(b"database", b"").decode()
    code, database = await asked()
    if code == SSL_REQUEST:
        writer.write(b"S")
        await writer.start_tls(context())
        code, database = await asked()
    writer.write(REPLIES.get(database, WELCOME))
    await writer.drain()
    if not database.endswith("cut_short"):
        await until_closed(reader)


@fake
async def by_server_name(reader, writer):
    """TLS by hand, of which server_name says what is odd."""
    if await request(reader) != SSL_REQUEST:
        writer.write(WELCOME)
        return await until_closed(reader)
    writer.write(b"S")
    await handshake(reader, writer, WELCOME)


@fake
async def hang(reader, writer):
    await until_closed(reader)


@fake
async def slow_s(reader, writer):
    if await request(reader) == SSL_REQUEST:
        await asyncio.sleep(0.5)
        writer.write(b"S")
        await writer.start_tls(context())
        await request(reader)
    writer.write(WELCOME)
    await until_closed(reader)


@fake
async def close_at_once(reader, writer):
    pass


@fake
async def close_after_request(reader, writer):
    await request(reader)


@fake
async def reset_at_once(reader, writer):
    reset(writer)


@fake
async def reset_after_request(reader, writer):
    await request(reader)
    reset(writer)


@fake
async def tls_by_sni(reader, writer):
    """The certificate for db.example.test goes only to those who ask for it by SNI."""
    if await request(reader) == SSL_REQUEST:
        writer.write(b"S")
        chosen, special = context("unknown_ca"), context("good")

        def choose(connection, wanted, _):
            if wanted == "db.example.test":
                connection.context = special
        chosen.sni_callback = choose
        await writer.start_tls(chosen)
        await request(reader)
    writer.write(WELCOME)
    await until_closed(reader)


assert FAKE_BASE + len(FAKES) <= FIRST_PORT + 100


async def main():
    def guarded(handler):
        async def serve(reader, writer):
            try:
                await handler(reader, writer)
            except (OSError, EOFError, asyncio.IncompleteReadError, struct.error, InvalidTag):
                pass
            finally:
                writer.close()
        return serve

    servers = [await asyncio.start_server(guarded(handler), "127.0.0.1", FAKE_BASE + number)
               for number, handler in enumerate(FAKES.values())]
    print("ready", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    PKI_LAB = load_pki()
    asyncio.run(main())
