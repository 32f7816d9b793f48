#!/usr/bin/env bash
# Verifies every event of a court bag with stock cosign, offline.
#
#   interop/cosign.sh BAG TRUSTDIR
#
# BAG is a bag as a folder. TRUSTDIR holds trusted_root.json and event-signers/<hint>.pem, obtained beforehand or, for a test,
# BAG/data/trust. COSIGN names the program (default: bin/cosign beside this folder, then the one on PATH); JOBS how many run at
# once. Prints a line for each event that fails and "N passed, N failed"; exit 1 if one failed or there is none.
set -euo pipefail

# field PATTERN prints what the group of an extended regular expression matches in standard input, the last match if there are
# several. The files are canonical JSON: no white space, names sorted, no escaped slashes.
field() { sed -nE "s|.*$1.*|\\1|p"; }

verify_one() {
	local bundle=$1 name hint payload type digest out
	name=$(basename "$bundle")
	hint=$(field '"publicKey":\{"hint":"([0-9a-f]+)"\}' <"$bundle")
	payload=$(field '"payload":"([A-Za-z0-9+/=]+)"' <"$bundle" | base64 -d)
	# The statement ends with predicateType and subject, in this order, whatever its predicate holds.
	type=$(field '"predicateType":"([^"]+)","subject":\[[^]]*\]\}$' <<<"$payload")
	digest=$(field '"predicateType":"[^"]+","subject":\[\{"digest":\{"sha256":"([0-9a-f]{64})"[^]]*\]\}$' <<<"$payload")
	if [[ -z $type || -z $digest || -z $hint ]]; then
		echo "FAILED $name: no predicateType, subject digest or key hint found"
	elif out=$("$COSIGN" verify-blob-attestation --key "$TRUST/event-signers/$hint.pem" --bundle "$bundle" \
		--trusted-root "$TRUST/trusted_root.json" --type "$type" --digest "$digest" --digestAlg sha256 2>&1); then
		echo "passed $name"
	else
		echo "FAILED $name: ${out//$'\n'/ }"
	fi
}

if [[ ${1:-} == --one ]]; then
	verify_one "$2"
	exit
fi
if [[ $# -ne 2 || ! -d $1/data/events || ! -f $2/trusted_root.json ]]; then
	echo "usage: $0 BAG TRUSTDIR   (BAG/data/events and TRUSTDIR/trusted_root.json must be there)" >&2
	exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
if [[ -z ${COSIGN:-} ]]; then
	COSIGN=$here/../bin/cosign
	[[ -x $COSIGN ]] || COSIGN=$(command -v cosign) || { echo "$0: no cosign; run make bin/cosign" >&2; exit 2; }
fi
TRUST=$2
# A proxy that nobody listens on: whatever would reach for the network fails.
export COSIGN TRUST HTTPS_PROXY=http://127.0.0.1:9 HTTP_PROXY=http://127.0.0.1:9
results=$(mktemp)
trap 'rm -f "$results"' EXIT
find "$1/data/events" -name '*.sigstore.json' -print0 | sort -z |
	xargs -0 -r -n 1 -P "${JOBS:-$(getconf _NPROCESSORS_ONLN)}" "$0" --one >"$results"
grep '^FAILED' "$results" | sort || true
passed=$(grep -c '^passed' "$results" || true)
failed=$(grep -c '^FAILED' "$results" || true)
echo "$passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
