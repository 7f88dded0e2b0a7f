"""A gateway as it was before swob, in little: written from docs/protocol.md for old-halves.test.ts.

usage: old_gateway.py <port> <sync url> <user> <password>
"""

import asyncio
import base64
import json
import secrets
import sys

import websockets
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask, request
from werkzeug.serving import make_server

PORT, SYNC, USER, PASSWORD = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA256(), label=None)

app = Flask("old gateway")
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
# session id -> the phone's key, None until the handshake
sessions = {}


def tell_sync(action, user, session):
    """Opens the socket that moves a session on, and waits until the other side has closed it."""

    async def visit():
        async with websockets.connect(f"{SYNC}/v2/sync/{action}/{user}/{session}") as socket:
            await socket.wait_closed()

    asyncio.run(visit())


@app.get("/v2/sync/users/<user>")
def open_session(user):
    session = secrets.token_hex(16)
    sessions[session] = None
    return f"{SYNC}/v2/sync/init/{user}/{session}"


@app.put("/v2/sync/users/<user>/sessions/<session>")
def replace(user, session):
    if session not in sessions:
        return "", 404
    fresh = secrets.token_hex(16)
    sessions[fresh] = sessions.pop(session)
    return fresh


@app.post("/v2/sync/users/<user>/sessions/<session>/handshake")
def handshake(user, session):
    if session not in sessions:
        return "failed to update user's public key", 400
    body = json.loads(request.get_data(as_text=True), strict=False)
    sessions[session] = serialization.load_pem_public_key(body["public_key"].encode())
    tell_sync("pause", user, session)
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {"public_key": pem.decode(), "verification_url": f"/v2/sync/users/{user}/sessions/{session}"}


@app.post("/v2/sync/users/<user>/sessions/<session>")
def verify(user, session):
    phone = sessions.get(session)
    if phone is None:
        return "invalid session requested", 400
    password = key.decrypt(base64.b64decode(request.get_json()["password"]), OAEP).decode()
    if (user, password) != (USER, PASSWORD):
        return "failed to authenticate", 401
    shared_key = secrets.token_hex(16)
    print("shared key", shared_key, flush=True)
    tell_sync("ack", user, session)
    return {
        "shared_key": base64.b64encode(phone.encrypt(shared_key.encode(), OAEP)).decode(),
        "user_platforms": [],
        "seeds_url": request.host_url + "seeds",
    }


server = make_server("127.0.0.1", PORT, app, threaded=True)
print("ready", flush=True)
server.serve_forever()
