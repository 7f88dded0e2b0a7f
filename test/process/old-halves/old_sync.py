"""A sync service as it was before swob, in little: written from docs/protocol.md for old-halves.test.ts.

usage: old_sync.py <port> <gateway url> <seconds a URL is shown> <URLs in all>
"""

import asyncio
import sys

import requests
import websockets

PORT, GATEWAY, SLEEP, LIMIT = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])

# (user, session) of each web page that shows a URL -> where its news come in
pages = {}


def replace(user, session):
    """Asks the gateway for a new session id."""
    answer = requests.put(f"{GATEWAY}/v2/sync/users/{user}/sessions/{session}", timeout=10)
    answer.raise_for_status()
    return answer.text


def urls(user, session):
    rest = f"/v2/sync/users/{user}/sessions/{session}/handshake"
    app = GATEWAY.replace("http", "app", 1)
    return f'{{"qr_url": "{GATEWAY}{rest}", "mobile_url": "{app}{rest}"}}'


async def show(page, user, session):
    """Shows URLs until a phone takes one, then waits for its password."""
    news = asyncio.Queue()
    for turn in range(LIMIT):
        if turn > 0:
            session = await asyncio.to_thread(replace, user, session)
        pages[user, session] = news
        try:
            await page.send(urls(user, session))
            if await asyncio.wait_for(news.get(), SLEEP) == "pause":
                await page.send("201- pause")
                if await asyncio.wait_for(news.get(), 30) == "ack":
                    await page.send("200- ack")
                return
        except asyncio.TimeoutError:
            continue
        finally:
            pages.pop((user, session), None)


async def serve(socket, path):
    _, version, sync, action, user, session = path.split("/")
    assert (version, sync) == ("v2", "sync")
    if action == "init":
        await show(socket, user, session)
    elif (user, session) in pages:
        pages[user, session].put_nowait(action)
    # Returning closes the socket.


async def main():
    async with websockets.serve(serve, "127.0.0.1", PORT):
        print("ready", flush=True)
        await asyncio.Future()


asyncio.run(main())
