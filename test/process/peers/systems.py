#!/usr/bin/python3
# The systems behind a gateway, written without swob after what the real ones of June 2022 do: the user management API,
# the developer API, the back end and the Publisher. They refuse calls without a User-Agent and bind sessions to it, set
# cookies that a browser would keep from each other and from plain HTTP, and answer 403 for a number that nobody has.
# Compared with SMSwithoutborders-BE at 5ecd416, SMSWithoutBorders-Dev-BE at c022aa4, SMSWithoutBorders-Publisher at 4f3aabe.
#
# One JSON line for each request is written to stdout, and one with their ports before all. POST /__forget at the
# developer API ends its sessions.

import base64
import http.server
import json
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid

USER, PASSWORD, NUMBER = sys.argv[1:4]
DEVELOPER = {"auth_id": "ours", "auth_key": "our-secret"}
MAX_AGE_MS = 2 * 60 * 60 * 1000
COOKIE = {"maxAge": MAX_AGE_MS, "secure": True, "httpOnly": True, "sameSite": "lax"}
ATTRIBUTES = "Max-Age=7200; Path=%s; Domain=%s; HttpOnly; Secure; SameSite=Lax"
PLATFORM = {
    "name": "gmail",
    "description": "gmail is a free email service provided by google.",
    "logo": "/public/gmail-icon.svg",
    "initialization_url": "/platforms/gmail/protocols/oauth2",
    "type": "email",
    "letter": "g",
}
# Session ids of the user management API and of the developer API, with whom they belong to.
user_sessions, developer_sessions = {}, {}
wrong_passwords = {}
printing = threading.Lock()


class System(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.raw = self.rfile.read(length)
        try:
            self.json = json.loads(self.raw)
        except ValueError:
            self.json = None
        self.agent = self.headers.get("User-Agent")
        status, body, headers = self.answer()
        with printing:
            line = [self.server.system, self.command, self.path, status, self.agent]
            print(json.dumps(line), flush=True)
        body = body if isinstance(body, str) else json.dumps(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_POST = handle_any

    def member(self, name):
        value = self.json.get(name) if isinstance(self.json, dict) else None
        return value if isinstance(value, str) and value else None

    def cookie(self, name):
        for pair in (self.headers.get("Cookie") or "").split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name:
                return value
        return None

    def log_message(self, *_):
        pass


class UserManagement(System):
    def answer(self):
        parts = self.path.split("/")
        if self.command == "GET" and self.path == PLATFORM["logo"]:
            return 200, "<svg/>", {"Content-Type": "image/svg+xml"}
        if parts[:3] != ["", "v2", "users"] or len(parts) != 5:
            return 404, "", {}
        user = urllib.parse.unquote(parts[3])
        route = (self.command, parts[4])
        if route == ("POST", "verify"):
            return self.verify(user)
        if route == ("GET", "platforms"):
            return self.platforms(user)
        return 404, "", {}

    def verify(self, user):
        password = self.member("password")
        if not self.agent or not password or len(password) < 8:
            return 400, "bad request", {}
        if wrong_passwords.get(user, 0) >= 5:
            return 429, "too many requests", {}
        if (user, password) != (USER, PASSWORD):
            wrong_passwords[user] = wrong_passwords.get(user, 0) + 1
            return 401, "unauthorized", {}
        wrong_passwords.pop(user, None)
        sid = str(uuid.uuid4())
        user_sessions[sid] = (user, self.agent)
        return 200, "", {"Set-Cookie": self.session_cookie(sid)}

    def platforms(self, user):
        cookie = self.cookie("SWOB")
        if not cookie:
            return 401, "unauthorized", {}
        if not self.agent:
            return 400, "bad request", {}
        value = urllib.parse.unquote(cookie)
        session = json.loads(value[2:]) if value.startswith("j:") else {}
        if user_sessions.get(session.get("sid")) != (user, self.agent) or session.get("cookie") != COOKIE:
            return 401, "unauthorized", {}
        headers = {"Content-Type": "application/json", "Set-Cookie": self.session_cookie(session["sid"])}
        return 200, {"unsaved_platforms": [], "saved_platforms": [PLATFORM]}, headers

    def session_cookie(self, sid):
        text = json.dumps({"sid": sid, "cookie": COOKIE}, separators=(",", ":"))
        value = "j%3A" + urllib.parse.quote(text, safe="")
        return "SWOB=%s; %s" % (value, ATTRIBUTES % ("/v2/users/%s/verify" % USER, "users.example.org"))


class DeveloperApi(System):
    def answer(self):
        if (self.command, self.path) == ("POST", "/__forget"):
            developer_sessions.clear()
            return 200, "", {}
        if (self.command, self.path) == ("POST", "/v1/authenticate"):
            return self.authenticate()
        if self.command == "POST" and self.path.startswith("/v1/sessions/"):
            return self.session(self.path.rsplit("/", 1)[1])
        return 404, "", {}

    def authenticate(self):
        given = {name: self.member(name) for name in DEVELOPER}
        if not self.agent or None in given.values():
            return 400, "400 Bad Request", {}
        if given != DEVELOPER:
            return 401, "401 Unauthorized", {}
        sid = str(uuid.uuid4())
        developer_sessions[sid] = ("u-dev", self.agent)
        session = {
            "userAgent": self.agent,
            "uid": "u-dev",
            "cookie": COOKIE,
            "verification_path": "v1/sessions/" + sid,
        }
        value = base64.b64encode(json.dumps(session).encode()).decode()
        cookie = "SWOBDev=%s; %s" % (value, ATTRIBUTES % ("/v1", "developers.example.org"))
        return 200, "null\n", {"Content-Type": "application/json", "Set-Cookie": cookie}

    def session(self, sid):
        given = (self.member("uid"), self.member("user_agent"))
        if None in given or not self.json.get("cookie"):
            return 400, "400 Bad Request", {}
        if developer_sessions.get(sid) != given or self.json["cookie"] != COOKIE:
            return 401, "401 Unauthorized", {}
        return 200, "", {}


class BackEnd(System):
    def answer(self):
        if (self.command, self.path) != ("POST", "/v2/whoami"):
            return 404, "", {}
        number = self.member("phone_number")
        if not number or not number.lstrip("+-").isdigit():
            return 400, "bad request", {}
        cookie = self.cookie("SWOBDev")
        if not cookie:
            return 401, "unauthorized", {}
        if not self.agent:
            return 400, "bad request", {}
        status = self.session_status(json.loads(base64.b64decode(cookie)))
        if status != 200:
            return (status, "unauthorized", {}) if status == 401 else (500, "internal server error", {})
        if number != NUMBER:
            return 403, "forbidden", {}
        return 200, {"user_id": USER}, {"Content-Type": "application/json"}

    def session_status(self, session):
        body = {"uid": session["uid"], "user_agent": session["userAgent"], "cookie": session["cookie"]}
        url = "http://127.0.0.1:%d/%s" % (PORTS["developer"], session["verification_path"])
        request = urllib.request.Request(url, json.dumps(body).encode(), {"User-Agent": "axios"})
        try:
            return urllib.request.urlopen(request, timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 500


class Publisher(System):
    """Delivers before it answers; 500 without a word is its answer to everything that fails."""

    def answer(self):
        if (self.command, self.path) != ("POST", "/publish"):
            return 404, "", {}
        message, number = self.member("message"), self.member("MSISDN")
        if message is None or number is None or message.split(":")[0] not in ("g", "t", "T"):
            return 500, "", {}
        with printing:
            print(json.dumps(["published", number, message]), flush=True)
        return 200, "", {}


def start(system, handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.system = system
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


PORTS = {
    "users": start("users", UserManagement),
    "developer": start("developer", DeveloperApi),
    "backend": start("backend", BackEnd),
    "publisher": start("publisher", Publisher),
}
print(json.dumps(PORTS), flush=True)
threading.Event().wait()
