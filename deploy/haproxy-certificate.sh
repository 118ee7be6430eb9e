#!/bin/sh
# For /etc/letsencrypt/renewal-hooks/deploy/: makes the file that HAProxy reads, after each renewal of the certificate.
set -eu
umask 077
mkdir -p "$(dirname /etc/haproxy/certs/calls.example.com.pem)"
cat /etc/letsencrypt/live/calls.example.com/fullchain.pem /etc/letsencrypt/live/calls.example.com/privkey.pem > /etc/haproxy/certs/calls.example.com.pem.new
mv /etc/haproxy/certs/calls.example.com.pem.new /etc/haproxy/certs/calls.example.com.pem
systemctl try-reload-or-restart haproxy
