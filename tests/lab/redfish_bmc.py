"""A BMC for tests that speaks Redfish over TLS: a double of our own, on loopback.

It follows DSP0266 (Redfish Specification) 1.15: service root and sessions (POST with UserName and
Password; 201, X-Auth-Token, Location; DELETE ends it), the action #ComputerSystem.Reset with its target
and AllowableValues, 202 with a task monitor. No vendor's firmware was seen; the agent table says so.
Its certificate is signed by a CA of its own, made for the test.
"""
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from ipmi_bmc import PASSWORD

USERS = {"admin": (PASSWORD, True), "reader": ("reader-Pa55", False)}
ROOT, SYSTEM = "/redfish/v1/", "/redfish/v1/Systems/1"
RESET, SESSIONS = SYSTEM + "/Actions/ComputerSystem.Reset", "/redfish/v1/SessionService/Sessions"
TASK = "/redfish/v1/TaskService/TaskMonitors/1"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=None, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status, message):
        self.answer(status, {"error": {"code": "Base.1.8.GeneralError", "message": message}})

    def user(self):
        return self.server.bmc.tokens.get(self.headers.get("X-Auth-Token", ""))

    def take(self):
        length = int(self.headers.get("Content-Length", 0))
        return json.loads(self.rfile.read(length) or b"{}")

    def do_GET(self):
        bmc = self.server.bmc
        time.sleep(bmc.slow)
        if self.path == ROOT:
            self.answer(200, {"@odata.id": ROOT, "Systems": {"@odata.id": "/redfish/v1/Systems"},
                              "Links": {"Sessions": {"@odata.id": SESSIONS}}})
        elif self.user() is None:
            self.refuse(401, "no session")
        elif self.path == "/redfish/v1/Systems":
            self.answer(200, {"Members": [{"@odata.id": path} for path in bmc.systems]})
        elif self.path == SYSTEM:
            self.answer(200, bmc.raw if bmc.raw is not None else bmc.system())
        elif self.path == TASK:
            self.answer(*bmc.task())
        else:
            self.refuse(404, "no such resource")

    def do_POST(self):
        bmc = self.server.bmc
        body = self.take()
        if self.path == SESSIONS:
            known = USERS.get(body.get("UserName"))
            if len(bmc.tokens) >= bmc.session_limit:
                self.refuse(503, "The maximum number of sessions has been reached.")
            elif known is None or known[0] != body.get("Password"):
                self.refuse(401, "wrong user or password")
            else:
                token = f"token-{bmc.opened}"
                bmc.opened += 1
                bmc.tokens[token] = body["UserName"]
                self.answer(201, {}, X_Auth_Token=token, Location=f"{SESSIONS}/{token}")
        elif self.path == RESET and self.user() is not None:
            self.reset(body.get("ResetType"))
        else:
            self.refuse(401 if self.user() is None else 404, "not here")

    def reset(self, kind):
        bmc = self.server.bmc
        if not USERS[self.user()][1]:
            self.refuse(403, "insufficient privilege")
            return
        bmc.resets.append(kind)
        if kind not in bmc.allowed:
            self.refuse(400, "no such ResetType")
            return
        if not bmc.stuck:
            bmc.becomes = (time.monotonic() + bmc.delay, "Off" if kind == "ForceOff" else "On")
        if bmc.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif bmc.task_states:
            self.answer(202, {"TaskState": "New"}, Location=TASK)
        elif bmc.reset_status != 204:
            self.refuse(bmc.reset_status, "did not work")
        else:
            self.answer(204, b"")

    def do_DELETE(self):
        bmc = self.server.bmc
        token = self.path.rsplit("/", 1)[1]
        known = token == self.headers.get("X-Auth-Token") and bmc.tokens.pop(token, None)
        self.answer(204 if known else 404, b"" if known else None)


class RedfishBmc:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="fence-redfish-")
        self.state, self.becomes = "On", None
        self.allowed = ["On", "ForceOff", "ForceRestart", "GracefulShutdown"]
        self.systems, self.tokens, self.opened, self.session_limit = [SYSTEM], {}, 0, 4
        self.resets, self.delay, self.slow = [], 0.0, 0.0
        self.stuck = self.cut = False
        self.reset_status, self.task_states, self.raw, self.says = 204, [], None, None
        self.make_certificates()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads, self.server.bmc = True, self
        self.server.handle_error = lambda *_: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("bmc.pem"), self.path("bmc.key"))
        # The handshake belongs to the connection's own thread: a silent client must hold nobody else.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.port = self.server.server_address[1]

    def path(self, name):
        return os.path.join(self.dir, name)

    def make_certificates(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=30)
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=test CA", "-keyout",
                self.path("ca.key"), "-out", self.path("ca.pem"))
        openssl("req", *key, "-subj", "/CN=bmc", "-keyout", self.path("bmc.key"), "-out",
                self.path("bmc.csr"))
        with open(self.path("ext"), "w", encoding="ascii") as f:
            f.write("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", self.path("bmc.csr"), "-CA", self.path("ca.pem"), "-CAkey",
                self.path("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", self.path("ext"),
                "-out", self.path("bmc.pem"))

    def power(self):
        if self.becomes and time.monotonic() >= self.becomes[0]:
            self.state, self.becomes = self.becomes[1], None
        return self.state

    def system(self):
        state = self.says.pop(0) if self.says else self.power()
        return {"@odata.id": SYSTEM, "PowerState": state,
                "Actions": {"#ComputerSystem.Reset": {
                    "target": RESET, "ResetType@Redfish.AllowableValues": self.allowed}}}

    def task(self):
        state = self.task_states.pop(0) if self.task_states else "Completed"
        done = state in ("Completed", "Exception", "Killed", "Cancelled")
        return (200 if done else 202), {"TaskState": state}

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.dir, ignore_errors=True)
