#!/usr/bin/env bats
# What the documentation says is so: verbs, options, keys, examples, completion.
load helpers

@test "docs: each verb has an entry in froe(8) and a file of tests, and no other has" {
	froe --json help
	"$BATS_TEST_DIRNAME/docs.py" verbs <<<"$output"
}

@test "docs: each option of each verb is in froe(8), and no other" {
	froe --json help
	for verb in restart-guest; do
		run --separate-stderr "$froe" help $verb
		[ "$status" -eq 0 ]
	done
	froe --json help
	"$BATS_TEST_DIRNAME/docs.py" options <<<"$output"
}

@test "docs: each key of guest files is in froe.cfg(5), and no other" {
	"$BATS_TEST_DIRNAME/docs.py" keys
}

@test "docs: each exit status of the library is in froe(8)" {
	"$BATS_TEST_DIRNAME/docs.py" codes
}

@test "docs: each example of a guest file parses, without a warning" {
	local count=0
	"$BATS_TEST_DIRNAME/docs.py" examples .
	cp "$top"/configs/*.cfg "$top"/image/guests/*.cfg .
	for file in *.cfg; do
		froe create -n "$file"
		[ "$status" -eq 0 ]
		[ "$stderr" = "Parsing config from $file" ]
		((++count))
	done
	((count >= 7))
	# What is commented out in the example parses as well.
	sed 's/^#\([a-z]\)/\1/' guest.cfg >all.cfg
	froe create -n all.cfg
	[ "$status" -eq 0 ]
	json 'j["c_info"]["uuid"] == "01234567-89ab-cdef-0123-456789abcdef" and j["on_crash"] == "preserve"'
}

@test "docs: each message of froe.cfg(5) is what is really said" {
	cat >web1.cfg <<-'END'
		name = "web1"; kernel = "/k"; memory = 1
		cap = 3
		memroy = 512
		memory = 2G
		cap = 4
	END
	froe create web1.cfg memory=0
	"$BATS_TEST_DIRNAME/docs.py" messages <<<"$stderr"
}

complete() {
	bash -c 'source "$0/configs/froe.bash-completion"
		froe() { "$FROE" "$@"; }
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_froe
		printf "%s\n" "${COMPREPLY[@]}"' "$top" "$@" | sort | paste -sd ' '
}

@test "docs: completion knows verbs, options, guests and files" {
	export FROE=$froe
	[ "$(complete froe d)" = "destroy dmesg domid domname" ]
	[ "$(complete froe --json li)" = list ]
	[ "$(complete froe destroy '')" = "db web1" ]
	[ "$(complete froe console w)" = web1 ]
	[ "$(complete froe dmesg --c)" = --clear ]
	[ "$(complete froe create --de)" = "--defconfig=" ]
	[ "$(complete froe help vc)" = vcpu-list ]
	[ "$(complete froe --n)" = --no-header ]
	touch a.cfg b.txt
	[ "$(complete froe create '')" = a.cfg ]
	froe --json help
	for verb in $(python3 -c 'import json, sys; print(*[i["name"] for i in json.load(sys.stdin)["items"]])' <<<"$output"); do
		froe help "$verb"
		for option in $(grep -o '^--*[a-z-]*\(, --[a-z-]*\)*' <<<"$output" | tr -d ,); do
			[[ " $(complete froe "$verb" "$option") " == *" $option"* ]]
		done
	done
}
