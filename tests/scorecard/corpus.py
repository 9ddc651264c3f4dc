"""Raw requests that parties on a wire have read differently, each with how RFC 9112 reads it. `FOLLOWER` comes behind every one on the same
connection; a request that hides in another one's body names itself `smuggled`."""
import typing

HOST = b"Host: relud\r\n"
BODY = b'{"input":-1}'  # 12 bytes
POST = b"POST /relu HTTP/1.1\r\n" + HOST
FOLLOWER = b"GET /healthz HTTP/1.1\r\nHost: relud\r\nX-Request-Id: follower\r\nConnection: close\r\n\r\n"
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: relud\r\nX-Request-Id: smuggled\r\n\r\n"
OK = (200,)  # the one request is answered so, and the follower after it
EATEN = ()  # there is no reading to the end: the follower is part of the message, or the message never ends
REFUSED = ()  # there is no reading: an error, and the end of the connection


class Case(typing.NamedTuple):
    name: str
    data: bytes
    reading: tuple  # codes of the requests within, in the RFC's reading, when nothing is refused
    may: str = ""  # why a recipient may read it so: the RFC's leniency
    taken: str = ""  # a leniency of libmicrohttpd 0.9.75 that the program cannot see
    taken_codes: tuple = (200,)  # and what it then reads


def length(value, body=BODY):
    return POST + b"Content-Length:" + value + b"\r\n\r\n" + body


def coded(value, body=b"c\r\n" + BODY + b"\r\n0\r\n\r\n"):
    return POST + b"Transfer-Encoding:" + value + b"\r\n\r\n" + body


def chunked(chunks):
    return coded(b" chunked", chunks)


def get(line=b"GET /healthz HTTP/1.1", fields=HOST):
    return line + b"\r\n" + fields + b"\r\n"


LF = "a single LF may end a line of the head (9112 §2.2)"
NUL = "NUL counts as a blank (9110 §5.5)"
CHUNK_LF = "a single LF ends a line of the chunked coding"
EMPTY_NAME = "a field without a name is left out when it is the last"
WORDS = "blanks between the words of the request line (9112 §3)"

LENGTHS = [
    Case("Content-Length as it should be", length(b" 12"), OK),
    Case("Content-Length without a blank", length(b"12"), OK),
    Case("Content-Length after a tab", length(b"\t12"), OK),
    Case("Content-Length with blanks behind", length(b" 12 \t"), OK),
    Case("Content-Length with leading zeros", length(b" 000012"), OK),
    Case("Content-Length in capitals", length(b" 12").replace(b"Content-Length", b"CONTENT-LENGTH"), OK),
    Case("Content-Length 0", length(b" 0", b""), (400,)),
    Case("Content-Length absent", POST + b"\r\n", (400,)),
    Case("Content-Length +12", length(b" +12"), REFUSED),
    Case("Content-Length -1", length(b" -1"), REFUSED),
    Case("Content-Length -0", length(b" -0", b""), REFUSED),
    Case("Content-Length 0xc", length(b" 0xc"), REFUSED),
    Case("Content-Length 1e1", length(b" 1e1"), REFUSED),
    Case("Content-Length 12.0", length(b" 12.0"), REFUSED),
    Case("Content-Length 12, 12", length(b" 12, 12"), REFUSED),
    Case("Content-Length 12,", length(b" 12,"), REFUSED),
    Case("Content-Length 1 2", length(b" 1 2"), REFUSED),
    Case("Content-Length in quotes", length(b' "12"'), REFUSED),
    Case("Content-Length empty", length(b""), REFUSED),
    Case("Content-Length of blanks", length(b"  \t "), REFUSED),
    Case("Content-Length 2^63", length(b" 9223372036854775808"), EATEN),
    Case("Content-Length 2^64 - 1", length(b" 18446744073709551615"), EATEN),
    Case("Content-Length 2^64", length(b" 18446744073709551616"), EATEN),
    Case("Content-Length 2^64 + 12", length(b" 18446744073709551628"), EATEN),
    Case("Content-Length of 1,000 digits", length(b" " + b"9" * 1000), EATEN),
    Case("Content-Length in Arabic digits", length(" \u0661\u0662".encode()), REFUSED),
    Case("Content-Length after a vertical tab", length(b" \x0b12"), REFUSED),
    Case("Content-Length and a NUL", length(b" 12\0"), OK, NUL),
    Case("Content-Length and a NUL before more digits", length(b" 12\x0099"), REFUSED),
    Case("two Content-Length, equal", length(b" 12\r\nContent-Length: 12"), OK),
    Case("two Content-Length, different", length(b" 12\r\nContent-Length: 3"), REFUSED),
    Case("two Content-Length, the first 0, a request behind", length(b" 0\r\nContent-Length: %d" % len(SMUGGLED), SMUGGLED), REFUSED),
    Case("Content_Length", length(b" 12").replace(b"Content-Length", b"Content_Length"), (400, 400)),
    Case("Content-Length with a blank before the colon", length(b" 12").replace(b"Length:", b"Length :"), REFUSED),
    Case("Content-Length with a NUL in its name", length(b" 12").replace(b"Length:", b"Length\0:"), REFUSED),
    Case("Content-Length too short", length(b" 5"), (400, 400)),
    Case("Content-Length too long", length(b" 40"), (400,)),
    Case("a body with a request in it", length(b" %d" % len(SMUGGLED), SMUGGLED), (400,)),
    Case("GET with a body that is a request", get(fields=HOST + b"Content-Length: %d\r\n" % len(SMUGGLED)) + SMUGGLED, OK),
    Case("a body on a path that is not there", length(b" %d" % len(SMUGGLED), SMUGGLED).replace(b"/relu", b"/none"), (404,)),
    Case("Connection: Content-Length", length(b" 12\r\nConnection: Content-Length"), OK),
]
CODINGS = [
    Case("chunked as it should be", coded(b" chunked"), OK),
    Case("chunked in capitals", coded(b" CHUNKED"), OK),
    Case("chunked with blanks behind", coded(b" chunked \t "), OK),
    Case("chunked without a blank", coded(b"chunked"), OK),
    Case("chunked and Content-Length", coded(b" chunked\r\nContent-Length: 12"), REFUSED),
    Case("Content-Length and chunked, a request behind", length(b" 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n" + SMUGGLED), REFUSED),
    Case("Content-Length over a request, and chunked",
         length(b" %d\r\nTransfer-Encoding: chunked" % (5 + len(SMUGGLED)), b"0\r\n\r\n" + SMUGGLED), REFUSED),
    Case("xchunked", coded(b" xchunked"), REFUSED),
    Case("chunkedx", coded(b" chunkedx"), REFUSED),
    Case("gzip, chunked", coded(b" gzip, chunked"), REFUSED),
    Case("chunked, gzip", coded(b" chunked, gzip"), REFUSED),
    Case("chunked, chunked", coded(b" chunked, chunked"), REFUSED),
    Case("chunked, identity", coded(b" chunked, identity"), REFUSED),
    Case("identity", coded(b" identity"), REFUSED),
    Case("identity and Content-Length", length(b" 12\r\nTransfer-Encoding: identity"), REFUSED),
    Case("chunked;q=1", coded(b" chunked;q=1"), REFUSED),
    Case("chunked in quotes", coded(b' "chunked"'), REFUSED),
    Case("chunked after a vertical tab", coded(b" \x0bchunked"), REFUSED),
    Case("chunked behind a comma", coded(b" , chunked"), OK),
    Case("an empty Transfer-Encoding", coded(b""), REFUSED),
    Case("an empty Transfer-Encoding and Content-Length", length(b" 12\r\nTransfer-Encoding:"), REFUSED),
    Case("chunked and a NUL", coded(b" chunked\0"), OK, NUL),
    Case("two Transfer-Encoding, both chunked", coded(b" chunked\r\nTransfer-Encoding: chunked"), REFUSED),
    Case("two Transfer-Encoding, identity first", coded(b" identity\r\nTransfer-Encoding: chunked"), REFUSED),
    Case("Transfer-Encoding with a blank before the colon", coded(b" chunked").replace(b"Encoding:", b"Encoding :"), REFUSED),
    Case("the same and Content-Length",
         length(b" 5\r\nTransfer-Encoding : chunked", b"0\r\n\r\n" + SMUGGLED), REFUSED),
    Case("Transfer-Encoding with a tab before the colon", coded(b" chunked").replace(b"Encoding:", b"Encoding\t:"), REFUSED),
    Case("Transfer-Encoding behind a blank, as the first field", POST.replace(HOST, b" Transfer-Encoding: chunked\r\n" + HOST) + b"\r\n", REFUSED),
    Case("chunked in HTTP/1.0", coded(b" chunked").replace(b"HTTP/1.1", b"HTTP/1.0"), REFUSED),
    Case("a Trailer announced and sent", chunked(b"c\r\n" + BODY + b"\r\n0\r\nX-Sum: 1\r\n\r\n"), OK),
    Case("Content-Length among the trailers", chunked(b"c\r\n" + BODY + b"\r\n0\r\nContent-Length: 500\r\n\r\n"), OK),
    Case("Transfer-Encoding among the trailers", chunked(b"c\r\n" + BODY + b"\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"), OK),
    Case("a trailer that is none", chunked(b"c\r\n" + BODY + b"\r\n0\r\nnonsense\r\n\r\n"), REFUSED),
    Case("a trailer section without its end", chunked(b"c\r\n" + BODY + b"\r\n0\r\n"), EATEN),
]
CHUNKS = [
    Case("two chunks", chunked(b"5\r\n" + BODY[:5] + b"\r\n7\r\n" + BODY[5:] + b"\r\n0\r\n\r\n"), OK),
    Case("a chunk size with zeros before it", chunked(b"00000c\r\n" + BODY + b"\r\n00\r\n\r\n"), OK),
    Case("a chunk size in capitals", chunked(b"C\r\n" + BODY + b"\r\n0\r\n\r\n"), OK),
    Case("chunk extensions", chunked(b'c;a=b;c="d"\r\n' + BODY + b"\r\n0;e\r\n\r\n"), OK),
    Case("a chunk size 0xc", chunked(b"0xc\r\n" + BODY + b"\r\n0\r\n\r\n"), REFUSED),
    Case("a chunk size +c", chunked(b"+c\r\n" + BODY + b"\r\n0\r\n\r\n"), REFUSED),
    Case("a chunk size -c", chunked(b"-c\r\n" + BODY + b"\r\n0\r\n\r\n"), REFUSED),
    Case("a chunk size of zz", chunked(b"zz\r\n" + BODY + b"\r\n0\r\n\r\n"), REFUSED),
    Case("a chunk size that is missing", chunked(b"\r\n" + BODY + b"\r\n0\r\n\r\n"), REFUSED),
    Case("a chunk size of extensions alone", chunked(b";a=b\r\n" + BODY + b"\r\n0\r\n\r\n"), REFUSED),
    Case("a blank before the chunk size", chunked(b" c\r\n" + BODY + b"\r\n0\r\n\r\n"), REFUSED),
    Case("a blank behind the chunk size", chunked(b"c \r\n" + BODY + b"\r\n0\r\n\r\n"), OK),
    Case("a chunk size of 2^64", chunked(b"10000000000000000\r\n" + BODY + b"\r\n0\r\n\r\n"), EATEN),
    Case("a chunk size of 2^64 + 12", chunked(b"1000000000000000c\r\n" + BODY + b"\r\n0\r\n\r\n"), EATEN),
    Case("a chunk size of 2^64 - 1", chunked(b"ffffffffffffffff\r\n" + BODY + b"\r\n0\r\n\r\n"), EATEN),
    Case("a chunk size of 1,000 digits", chunked(b"0" * 999 + b"c\r\n" + BODY + b"\r\n0\r\n\r\n"), OK),
    Case("a chunk without its CRLF", chunked(b"c\r\n" + BODY + b"0\r\n\r\n"), REFUSED),
    Case("a chunk with other bytes for its CRLF", chunked(b"c\r\n" + BODY + b"xx0\r\n\r\n"), REFUSED),
    Case("a chunk longer than it says", chunked(b"b\r\n" + BODY + b"\r\n0\r\n\r\n"), REFUSED),
    Case("a chunk shorter than it says by its CR", chunked(b"d\r\n" + BODY + b"\r\n0\r\n\r\n"), REFUSED, taken=CHUNK_LF),
    Case("a chunk shorter than it says by its CRLF", chunked(b"e\r\n" + BODY + b"\r\n0\r\n\r\n"), REFUSED),
    Case("a bare CR behind the chunk size", chunked(b"c\rX\n" + BODY + b"\r\n0\r\n\r\n"), REFUSED),
    Case("a bare LF behind the chunk size", chunked(b"c\n" + BODY + b"\r\n0\r\n\r\n"), REFUSED, taken=CHUNK_LF),
    Case("a bare LF behind a chunk", chunked(b"c\r\n" + BODY + b"\n0\r\n\r\n"), REFUSED, taken=CHUNK_LF),
    Case("a bare LF in an extension", chunked(b"c;a\n" + BODY + b"\r\n0\r\n\r\n"), REFUSED, taken=CHUNK_LF),
    Case("an extension of 100 KB", chunked(b"c;" + b"a" * 100000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"), OK),
    Case("a request behind the last chunk", chunked(b"c\r\n" + BODY + b"\r\n0\r\n\r\n" + FOLLOWER.replace(b"follower", b"second").replace(
        b"Connection: close\r\n", b"")), (200, 200)),
    Case("a request in a chunk", chunked(b"%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n"), (400,)),
]
LINES = [
    Case("as it should be", get(), OK),
    Case("empty lines before it", b"\r\n\r\n" + get(), OK),
    Case("every line ended by a bare LF", get().replace(b"\r", b""), OK, LF),
    Case("the request line ended by a bare LF", get().replace(b"1.1\r\n", b"1.1\n"), OK, LF),
    Case("the head ended by bare LFs", get()[:-4] + b"\n\n", OK, LF),
    Case("lines ended by a bare CR", get().replace(b"\n", b""), REFUSED),
    Case("a bare CR in a value", get(fields=HOST + b"X: a\rb\r\n"), REFUSED),
    Case("Content-Length behind a bare CR", length(b"").replace(b"Content-Length:", b"X: a\rContent-Length: 12"), REFUSED),
    Case("a NUL in a value", get(fields=HOST + b"X: a\0b\r\n"), OK, NUL),
    Case("a NUL in a name", get(fields=HOST + b"X\0: a\r\n"), REFUSED),
    Case("a NUL in the target", get(b"GET /healthz\0x HTTP/1.1"), REFUSED),
    Case("a folded line", get(fields=HOST + b"X: a\r\n b\r\n"), OK),
    Case("Content-Length in a folded line", length(b"\r\n 12"), OK),
    Case("Content-Length of two folded parts", length(b" 1\r\n 2"), REFUSED),
    Case("chunked in a folded line", coded(b"\r\n\tchunked"), OK),
    Case("a name continued in a folded line", length(b"").replace(b"Content-Length:", b"Content-: 12\r\n Length"), (400, 400)),
    Case("a folded line with a field in it", POST + b"X: a\r\n Content-Length: 12\r\n\r\n" + BODY, (400, 400)),
    Case("a folded line before the first field", get(fields=b" X: a\r\n" + HOST), REFUSED),
    Case("a line without a colon", get(fields=HOST + b"nonsense\r\n"), REFUSED),
    Case("an empty name before another", get(fields=b": a\r\n" + HOST), REFUSED),
    Case("an empty name", get(fields=HOST + b": a\r\n"), REFUSED, taken=EMPTY_NAME),
    Case("Content-Length behind an empty name", length(b" 12").replace(b"Content-Length", b":Content-Length"), REFUSED,
         taken=EMPTY_NAME, taken_codes=(400, 400)),
    Case("a blank in a name", get(fields=HOST + b"X y: a\r\n"), REFUSED),
    Case("brackets in a name", get(fields=HOST + b"X[]: a\r\n"), REFUSED),
    Case("a name in UTF-8", get(fields=HOST + "\u00dc: a\r\n".encode()), REFUSED),
    Case("a value in UTF-8", get(fields=HOST + "X: \u00dc\r\n".encode()), OK),
    Case("no Host", get(fields=b""), REFUSED),
    Case("no Host in HTTP/1.0", get(b"GET /healthz HTTP/1.0", b"Connection: keep-alive\r\n"), OK),
    Case("two Hosts, equal", get(fields=HOST + HOST), REFUSED),
    Case("two Hosts, different", get(fields=HOST + b"Host: other\r\n"), REFUSED),
    Case("an empty Host", get(fields=b"Host:\r\n"), OK),
    Case("a Host with a blank", get(fields=b"Host: a b\r\n"), REFUSED),
    Case("a Host with a user", get(fields=b"Host: user@relud\r\n"), REFUSED),
    Case("a Host with a path", get(fields=b"Host: relud/healthz\r\n"), REFUSED),
    Case("HTTP/1.9", get(b"GET /healthz HTTP/1.9"), OK),
    Case("HTTP/2.0", get(b"GET /healthz HTTP/2.0"), REFUSED),
    Case("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REFUSED),
    Case("HTTP/0.9", b"GET /healthz\r\n", REFUSED),
    Case("HTTP/1.10", get(b"GET /healthz HTTP/1.10"), REFUSED),
    Case("HTTP/01.1", get(b"GET /healthz HTTP/01.1"), REFUSED),
    Case("http/1.1", get(b"GET /healthz http/1.1"), REFUSED),
    Case("HTTP 1.1", get(b"GET /healthz HTTP 1.1"), REFUSED),
    Case("HTTPS/1.1", get(b"GET /healthz HTTPS/1.1"), REFUSED),
    Case("a method in lower case", get(b"get /healthz HTTP/1.1"), (405,)),
    Case("a method that nobody has", get(b"BREW /healthz HTTP/1.1"), (405,)),
    Case("a method of 10,000 letters", get(b"A" * 10000 + b" /healthz HTTP/1.1"), (405,)),
    Case("a method that is no token", get(b"G@T /healthz HTTP/1.1"), REFUSED),
    Case("a NUL in the method", get(b"GE\0T /healthz HTTP/1.1"), REFUSED),
    Case("no target", get(b"GET HTTP/1.1"), REFUSED),
    Case("no method", get(b" /healthz HTTP/1.1"), REFUSED),
    Case("a blank in the target", get(b"GET /healthz x HTTP/1.1"), REFUSED),
    Case("a blank in the query", get(b"GET /healthz?x=a b HTTP/1.1"), REFUSED, taken="a blank in a query counts as +"),
    Case("a blank behind the version", get(b"GET /healthz HTTP/1.1 "), REFUSED),
    Case("two blanks before the target", get(b"GET  /healthz HTTP/1.1"), OK, WORDS),
    Case("tabs between the words", get(b"GET\t/healthz\tHTTP/1.1"), REFUSED),
    Case("a target without a slash", get(b"GET healthz HTTP/1.1"), (404,)),
    Case("absolute-form", get(b"GET http://relud/healthz HTTP/1.1"), OK),
    Case("absolute-form of another host", get(b"GET http://other/healthz HTTP/1.1"), OK),
    Case("OPTIONS *", get(b"OPTIONS * HTTP/1.1"), (204,)),
    Case("CONNECT", get(b"CONNECT relud:80 HTTP/1.1"), (404,)),
    Case("a percent sign alone", get(b"GET /% HTTP/1.1"), (404,)),
    Case("a coded NUL", get(b"GET /healthz%00 HTTP/1.1"), (404,)),
    Case("coded line ends", get(b"GET /none%0d%0aX:%20a HTTP/1.1"), (404,)),
    Case("bytes over 127 in the target", get(b"GET /\xff\xfe HTTP/1.1"), (404,)),
    Case("a fragment in the target", get(b"GET /healthz#x HTTP/1.1"), (404,)),
    Case("a target of 100 KB", get(b"GET /" + b"a" * 100000 + b" HTTP/1.1"), (404,)),
    Case("a value of 100 KB", get(fields=HOST + b"X: " + b"a" * 100000 + b"\r\n"), OK),
    Case("3,000 fields", get(fields=HOST + b"X: a\r\n" * 3000), OK),
    Case("an Upgrade to h2c", get(fields=HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n"), OK),
    Case("a TLS hello", bytes.fromhex("16030100500100004c0303") + b"a" * 69, REFUSED),
    Case("an unknown expectation", get(fields=HOST + b"Expect: 200-ok\r\n"), OK),
]
CASES = LENGTHS + CODINGS + CHUNKS + LINES
