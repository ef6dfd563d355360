#!/usr/bin/env bats
# froe dmesg: the hypervisor's messages as they are.
load helpers

@test "dmesg: options and errors" {
	usual dmesg
	fake <<<"fail what=dmesg code=12 id=x error=no hypervisor"
	froe dmesg
	[ "$status" -eq 12 ]
	froe dmesg more
	[ "$status" -eq 2 ]
}

@test "dmesg, and -c clears them" {
	echo 'dmesg froe: one|  "two", 3|' >>fake
	froe dmesg
	says <<<$'froe: one\n  "two", 3'
	log_is dmesg
	froe dmesg -c
	froe dmesg --clear
	log_is dmesg "dmesg clear" "dmesg clear"
	froe --json dmesg
	json 'j["items"] == [{"text": "froe: one\n  \"two\", 3\n"}]'
}

@test "dmesg --json is UTF-8, whatever guests have written" {
	# a good one of each length; then too long, half a pair, too large, cut off
	printf 'dmesg \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \xc0\x80 \xe0\x80\x80 \xed\xa0\x80 \xf0\x80\x80\x80 \xf4\x90\x80\x80 \xe2\x82|\n' >>fake
	froe --json dmesg
	json 'j["items"] == [{"text": "\u00e9\u20ac\U0001f600 ?? ??? ??? ???? ???? ??\n"}]'
	iconv -f UTF-8 -t UTF-8 <<<"$output" >out
}
