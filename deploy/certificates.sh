#!/bin/bash
# Makes the certificate authority and the node certificate of EventStoreDB, once. The authority's key stays in a volume that only
# this job mounts.
set -eu
if [ ! -f /certificates/node/node.crt ]; then
	es-gencert-cli create-ca -out /authority
	es-gencert-cli create-node -ca-certificate /authority/ca.crt -ca-key /authority/ca.key -out /certificates/node \
		-ip-addresses 127.0.0.1 -dns-names eventstore,localhost
	mkdir -p /certificates/ca
	cp /authority/ca.crt /certificates/ca/ca.crt
fi
chown -R 1000:1000 /certificates/node
chmod 0755 /certificates /certificates/ca
chmod 0444 /certificates/ca/ca.crt
chmod 0500 /certificates/node
chmod 0400 /certificates/node/node.key
