"""A server that reads nothing and answers everything alike, in the shape of MMS's answers.

Each request has to come whole and by itself, as the load generator's small ones do.
"""

import os
import select
import socket

ANSWER = "0"
RESPONSE = (
    "HTTP/1.1 200 OK\r\n"
    "x-request-id: 00000000-0000-0000-0000-000000000000\r\n"
    "content-type: text/csv\r\n"
    f"content-length: {len(ANSWER) + 1}\r\n"
    "connection: keep-alive\r\n\r\n"
    f"{ANSWER}\n"
).encode()


def main() -> None:
    poll = select.epoll()
    clients: dict[int, socket.socket] = {}
    listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=1024)
    poll.register(listener, select.EPOLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                client, _ = listener.accept()
                clients[client.fileno()] = client
                poll.register(client, select.EPOLLIN)
            elif request(clients[descriptor]):
                clients[descriptor].send(RESPONSE)
            else:
                clients.pop(descriptor).close()


def request(client: socket.socket) -> bytes:
    """What a client sent; nothing if it has gone."""
    try:
        return client.recv(65536)
    except ConnectionError:
        return b""


if __name__ == "__main__":
    main()
