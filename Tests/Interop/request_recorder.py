"""Stands between clients and a broker, passes everything on, and keeps one request of each kind."""

import socket
import struct
import threading


class Recorder:
    """Listens on a free port of the loopback. The broker behind it must advertise `address`."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.target = None
        self.lock, self.kept, self.ready = threading.Lock(), {}, threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def forward(self, port):
        """Where connections go, from now on."""
        self.target = port
        self.ready.set()

    def requests(self):
        """By kind: the API's key, its version, where the body begins in the frame, and the frame without its length."""
        with self.lock:
            return dict(self.kept)

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.ready.wait()
            try:
                broker = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            threading.Thread(target=self.pass_on, args=(client, broker, True), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(broker, client, False), daemon=True).start()

    def pass_on(self, source, sink, keeps):
        waiting = b""
        try:
            while data := source.recv(1 << 16):
                if keeps:
                    waiting = self.keep(waiting + data)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def keep(self, data):
        """Keeps the whole frames in front, and returns what is behind them."""
        while len(data) >= 4 and len(data) >= 4 + (size := struct.unpack_from(">i", data)[0]):
            frame, data = data[4:4 + size], data[4 + size:]
            api, version, _, name = struct.unpack_from(">hhih", frame)
            # Requests of one API differ most where their lengths differ: with and without members, offsets, batches.
            with self.lock:
                self.kept.setdefault((api, version, len(frame).bit_length()), (api, version, 10 + max(name, 0), frame))
        return data
