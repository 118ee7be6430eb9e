#!/bin/sh
# For /etc/letsencrypt/renewal-hooks/deploy/: makes the file that HAProxy reads, after each renewal of the certificate.
set -eu
umask 077
mkdir -p "$(dirname {{certificate}})"
cat /etc/letsencrypt/live/{{host}}/fullchain.pem /etc/letsencrypt/live/{{host}}/privkey.pem > {{certificate}}.new
mv {{certificate}}.new {{certificate}}
systemctl try-reload-or-restart haproxy
