#!/usr/bin/python3
# A gateway phone as it is today, on pika: declares its queue, binds it, consumes and acknowledges.
# gateway_phone.py <port> <auth_id> <auth_key> <operator>; prints "ready", then each body.

import sys
import pika

port, auth_id, auth_key, operator = sys.argv[1:]
connection = pika.BlockingConnection(
    pika.ConnectionParameters("127.0.0.1", int(port), "/", pika.PlainCredentials(auth_id, auth_key), heartbeat=600)
)
channel = connection.channel()
queue = f"{auth_id}_OUTGOING_SMS_{operator}"
channel.queue_declare(queue, durable=True)
channel.basic_qos(prefetch_count=1)
channel.queue_bind(exchange="DEKU_CLUSTER_SMS", queue=queue, routing_key=f"{auth_id}_OUTGOING_SMS.{operator}")


def received(ch, method, properties, body):
    print(body.decode("utf-8"), flush=True)
    ch.basic_ack(delivery_tag=method.delivery_tag)


channel.basic_consume(queue=queue, on_message_callback=received)
print("ready", flush=True)
channel.start_consuming()
