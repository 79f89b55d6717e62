"""What a real libpq makes of connection parameters; a case a line on stdin, an answer a line out.

    libpq_parameters.py FOLDER      (with libpq.so, libssl.so and libcrypto.so in it)

In:  {"conninfo": text, "env": {name: value}, "ask": "parse" | "start" | "connect"}
     {port} in the text is a loopback port that accepts and says nothing, {tls} one that agrees
     to TLS and hangs up at the ClientHello.
Out: {"parsed": {keyword: value} | null, "parse_error": text | null,
      "used": {keyword: value} | null, "error": text | null}
"parse" is PQconninfoParse alone; "start" is PQconnectStart as well, which ends when the first
connect() is under way; "connect" is PQconnectdb, for parameters that only that one looks at.
"""

import ctypes
import json
import os
import socket
import sys
import threading

CONNECTION_BAD = 1


class Option(ctypes.Structure):
    """PQconninfoOption."""

    _fields_ = [("keyword", ctypes.c_char_p), ("envvar", ctypes.c_char_p),
                ("compiled", ctypes.c_char_p), ("val", ctypes.c_char_p),
                ("label", ctypes.c_char_p), ("dispchar", ctypes.c_char_p),
                ("dispsize", ctypes.c_int)]


def load(folder):
    # A wheel's libpq asks for its own libraries by name: having them loaded satisfies it.
    pq = [ctypes.CDLL(os.path.realpath(f"{folder}/{name}.so"))
          for name in ("libcrypto", "libssl", "libpq")][-1]
    options, pointer, text = ctypes.POINTER(Option), ctypes.c_void_p, ctypes.c_char_p
    for name, result, *arguments in (
            ("PQlibVersion", ctypes.c_int), ("PQstatus", ctypes.c_int, pointer),
            ("PQconninfoParse", options, text, ctypes.POINTER(pointer)),
            ("PQconninfo", options, pointer), ("PQconninfoFree", None, options),
            ("PQfreemem", None, pointer), ("PQerrorMessage", text, pointer),
            ("PQconnectStart", pointer, text), ("PQconnectdb", pointer, text),
            ("PQfinish", None, pointer)):
        function = getattr(pq, name)
        function.restype, function.argtypes = result, arguments
    return pq


def text_of(value):
    return value.decode("utf-8", "replace")


def settings(options):
    found = {}
    index = 0
    while options[index].keyword is not None:
        if options[index].val is not None:
            found[text_of(options[index].keyword)] = text_of(options[index].val)
        index += 1
    return found


def filled(text, ports):
    return text.replace("{port}", str(ports["port"])).replace("{tls}", str(ports["tls"]))


def answer(pq, case, ports):
    conninfo = filled(case["conninfo"], ports).encode()
    message = ctypes.c_void_p()
    result = {"parsed": None, "parse_error": None, "used": None, "error": None}
    options = pq.PQconninfoParse(conninfo, ctypes.byref(message))
    if options:
        result["parsed"] = settings(options)
        pq.PQconninfoFree(options)
    else:
        result["parse_error"] = text_of(ctypes.cast(message, ctypes.c_char_p).value)
        pq.PQfreemem(message)
    if case["ask"] == "parse":
        return result
    connect = pq.PQconnectStart if case["ask"] == "start" else pq.PQconnectdb
    connection = connect(conninfo)
    options = pq.PQconninfo(connection)
    result["used"] = settings(options)
    pq.PQconninfoFree(options)
    if pq.PQstatus(connection) == CONNECTION_BAD:
        result["error"] = text_of(pq.PQerrorMessage(connection))
    pq.PQfinish(connection)
    return result


def serve(answer):
    """A loopback port whose connections `answer` deals with."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def accept():
        while True:
            connection = listener.accept()[0]
            try:
                answer(connection)
            except OSError:
                pass
            connection.close()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def agree(connection):
    connection.settimeout(5)
    if connection.recv(8):
        connection.sendall(b"S")
        connection.recv(4096)


def main():
    pq = load(sys.argv[1])
    ports = {"port": serve(lambda connection: None), "tls": serve(agree)}
    print(json.dumps({"libpq": pq.PQlibVersion(), **ports}), flush=True)
    for line in sys.stdin:
        case = json.loads(line)
        os.environ.clear()
        os.environ.update({name: filled(value, ports) for name, value in case["env"].items()})
        print(json.dumps(answer(pq, case, ports)), flush=True)


main()
