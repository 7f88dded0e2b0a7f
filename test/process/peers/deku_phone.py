#!/usr/bin/python3
# A phone with DekuSMS, on pika: declares the exchange itself, decodes strictly, and rejects what it cannot decode for good.
# deku_phone.py <port> <auth_id> <auth_key> <binding>; prints "ready", then each body, or "rejected".

import json
import sys
import pika

port, auth_id, auth_key, binding = sys.argv[1:]
connection = pika.BlockingConnection(
    pika.ConnectionParameters("127.0.0.1", int(port), "/", pika.PlainCredentials(auth_id, auth_key), heartbeat=600)
)
channel = connection.channel()
exchange = f"{auth_id}_OUTGOING_SMS"
queue = binding.replace(".", "_")
channel.basic_qos(prefetch_count=1)
channel.basic_recover(requeue=True)
channel.exchange_declare(exchange=exchange, exchange_type="topic", durable=True)
channel.queue_declare(queue, durable=True, exclusive=False, auto_delete=False)
channel.queue_bind(exchange=exchange, queue=queue, routing_key=binding)
channel.exchange_declare(exchange=exchange, exchange_type="topic", durable=True)

TYPES = {"text": str, "to": str, "sid": str, "id": int}


def decodes(body):
    """Whether the body has exactly these members and types, as Kotlin's Json.decodeFromString requires."""
    try:
        sms = json.loads(body.decode("utf-8"))
    except ValueError:
        return False
    if not isinstance(sms, dict) or {name: type(value) for name, value in sms.items()} != TYPES:
        return False
    return -(2**31) <= sms["id"] < 2**31


def received(ch, method, properties, body):
    if not decodes(body):
        ch.basic_reject(method.delivery_tag, requeue=False)
        print("rejected", flush=True)
        return
    try:
        int(json.loads(body)["sid"])
    except ValueError:
        ch.basic_reject(method.delivery_tag, requeue=True)
        return
    print(body.decode("utf-8"), flush=True)
    ch.basic_ack(method.delivery_tag)


channel.basic_consume(queue=queue, on_message_callback=received)
print("ready", flush=True)
channel.start_consuming()
