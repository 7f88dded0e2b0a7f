#!/bin/sh
# What the app makes of a message, with openssl alone: encrypt.sh <shared key> <message>
set -eu
key=$(printf %s "$1" | od -An -tx1 | tr -d ' \n')
iv=$(openssl rand -hex 8)
iv_hex=$(printf %s "$iv" | od -An -tx1 | tr -d ' \n')
ciphertext=$(printf %s "$2" | openssl enc -aes-256-cbc -K "$key" -iv "$iv_hex" | base64 -w 76)
# Android breaks lines after 76 characters, and so does this.
printf '%s%s\n' "$iv" "$ciphertext" | base64 -w 76
