#!/bin/sh
# Certbot runs this whenever it got a certificate, in the process namespace of nginx, whose process 1 nginx is: lets nginx
# serve https from now on, and read the certificate again.
set -eu
mkdir -p /etc/letsencrypt/entrada
ln -sfn /etc/nginx/conf.d/https.conf /etc/letsencrypt/entrada/https.conf
kill -HUP "${NGINX_PID:-1}"
