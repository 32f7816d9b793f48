#!/usr/bin/env bash
# First start of the deployment in docker-compose.yml; run again it changes nothing that is there already.
#
#   OIDC_ISSUER=https://issuer.example OIDC_AUDIENCE=caseledger ORIGIN=log2026.caseledger.example deploy/up.sh
#
# It makes secrets (deploy/secrets, a folder that only its owner may enter), starts the engines, creates the
# tree, creates the ledger, and starts it on 127.0.0.1:8080. Settings go to .env, where later `docker compose` commands find them.
set -euo pipefail
cd "$(dirname "$0")/.."

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

make_secrets() {
	local admin database
	[[ -d deploy/secrets ]] && return
	mkdir -m 700 -p deploy/secrets.new
	mkdir -p deploy/secrets.new/files
	admin=$(random) database=$(random)
	printf %s "$admin" >deploy/secrets.new/files/eventstore_admin
	printf %s "$(random)" >deploy/secrets.new/files/eventstore_ops
	printf %s "esdb://admin:$admin@eventstore:2113?tls=true&tlsCaFile=/certificates/ca/ca.crt" >deploy/secrets.new/files/eventstore_url
	printf %s "$database" >deploy/secrets.new/files/database_password
	printf '%s\n' "trillian-database:5432:trillian:trillian:$database" >deploy/secrets.new/files/pgpass
	printf %s "$(random)" >deploy/secrets.new/files/passphrase
	# The containers run under ids of their own, so the files must be readable to others; the folder around them must not be.
	chmod 444 deploy/secrets.new/files/*
	mv deploy/secrets.new deploy/secrets
}

make_settings() {
	[[ -f .env ]] && return
	: "${OIDC_ISSUER:?the https address of the issuer that your users sign in with}"
	: "${OIDC_AUDIENCE:?the audience that its tokens name}"
	: "${ORIGIN:?a host name of your own that names this ledger for ever, such as log2026.caseledger.example}"
	printf 'OIDC_ISSUER=%s\nOIDC_AUDIENCE=%s\nORIGIN=%s\nTREE=0\n' "$OIDC_ISSUER" "$OIDC_AUDIENCE" "$ORIGIN" >.env
}

make_tree() {
	local tree
	grep -q '^TREE=0$' .env || return 0
	tree=$(docker compose run --rm -T create-tree)
	[[ $tree =~ ^[0-9]+$ ]] || { echo "deploy/up.sh: create-tree answered: $tree" >&2; exit 1; }
	sed -i "s/^TREE=0$/TREE=$tree/" .env
	docker compose run --rm -T create-ledger
}

umask 022
make_secrets
make_settings
docker compose build
docker compose up -d --wait eventstore trillian-log-server trillian-log-signer
make_tree
docker compose up -d --wait
echo "caseledger answers on http://127.0.0.1:8080"
