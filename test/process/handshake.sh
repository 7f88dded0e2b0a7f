#!/bin/bash
# Pairs a phone with curl, openssl and jq alone, and prints the shared key.
# usage: handshake.sh <gateway url> <user id> <file with the password>
set -euo pipefail
gateway=$1 user=$2 password_file=$3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
oaep=(-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha1)

openssl genrsa -out "$work/phone.pem" 2048 2>/dev/null
openssl rsa -in "$work/phone.pem" -pubout -out "$work/phone.pub" 2>/dev/null

# ws://host:port/v2/sync/init/<user>/<session>
socket_url=$(curl --fail-with-body --silent --show-error "$gateway/v2/sync/users/$user")
session=${socket_url##*/}

# The PEM goes into the JSON as it is, with its line breaks.
printf '{"public_key": "%s"}' "$(cat "$work/phone.pub")" >"$work/handshake.json"
curl --fail-with-body --silent --show-error --header 'Content-Type: application/json' \
  --data-binary "@$work/handshake.json" --output "$work/server.json" \
  "$gateway/v2/sync/users/$user/sessions/$session/handshake"
jq --raw-output .public_key "$work/server.json" >"$work/server.pub"
verification_url=$(jq --raw-output .verification_url "$work/server.json")

openssl pkeyutl -encrypt -pubin -inkey "$work/server.pub" "${oaep[@]}" -in "$password_file" |
  openssl base64 -A >"$work/password"
jq --null-input --rawfile password "$work/password" '{$password}' |
  curl --fail-with-body --silent --show-error --header 'Content-Type: application/json' --data @- \
    --output "$work/paired.json" "$gateway$verification_url"

jq --raw-output .shared_key "$work/paired.json" | openssl base64 -d -A |
  openssl pkeyutl -decrypt -inkey "$work/phone.pem" "${oaep[@]}"
echo
