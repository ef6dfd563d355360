#!/usr/bin/env bats
# froe create: from a file to a guest, or to every reason why not.
load helpers

@test "create: options and errors" {
	guest_file
	usual create guest.cfg
	froe create
	[ "$status" -eq 6 ]
	[[ $stderr == "froe: create: no configuration file"* ]]
	froe create nosuch.cfg
	[ "$status" -eq 3 ]
	[[ $stderr == *"froe: create: configuration nosuch.cfg: No such file or directory"* ]]
	froe create .
	[ "$status" -eq 6 ]
	froe create guest.cfg other.cfg
	[ "$status" -eq 2 ]
}

@test "create: builds what the file says" {
	guest_file
	froe create guest.cfg
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$stderr" = "Parsing config from guest.cfg" ]
	log_is "create new memory=67108864 vcpus=1"
	froe create -q guest.cfg
	[ -z "$stderr" ]
	froe -q create --defconfig=guest.cfg
	[ -z "$stderr" ]
	froe --json create guest.cfg
	json 'j["items"] == [{"domid": 7, "name": "new", "uuid": "21234567-89ab-cdef-0123-456789abcdef"}]'
}

@test "create -p, -e, -d, -i, -F" {
	guest_file
	froe create -p guest.cfg
	log_is "create new memory=67108864 vcpus=1 paused"
	: >log
	froe create -qedi -f guest.cfg
	log_is "create new memory=67108864 vcpus=1"
	: >log
	froe create -F guest.cfg
	log_is "create new memory=67108864 vcpus=1" "wait 7 gone -1"
}

@test "create: settings behind the file win, with and without quotes" {
	guest_file
	froe create guest.cfg memory=128 'name="other"' vcpus=2
	log_is "create other memory=134217728 vcpus=2"
	: >log
	froe create name=bare guest.cfg
	log_is "create bare memory=67108864 vcpus=1"
	froe create guest.cfg memory=lots
	[ "$status" -eq 6 ]
	[[ $stderr == *"command line:1:8: memory: a number is wanted here, not \"lots\""* ]]
	: >log
	froe create name=x kernel=/k memory=1
	log_is "create x memory=1048576 vcpus=1"
}

@test "create -n: xl's JSON and nothing else on stdout" {
	guest_file
	for way in "create --quiet --dryrun --defconfig guest.cfg" "create -n guest.cfg" "-N create guest.cfg"; do
		froe $way
		[ "$status" -eq 0 ]
		json 'j["c_info"]["name"] == "new" and j["b_info"]["max_memkb"] == 65536 and
			"type.pvh" in j["b_info"] and j["on_reboot"] == "restart" and "on_poweroff" not in j'
	done
	log_is
	froe --json create -n guest.cfg
	json 'j["items"][0]["config"]["c_info"]["name"] == "new"'
	froe -N list
	[ "$status" -eq 1 ]
}

@test "create: all problems of a file in one run" {
	cat >bad.cfg <<-'END'
		name = "new"
		kernel = "/boot/vmlinuz"
		memroy = 64
		disk = [ '/x,raw,xvda,rw' ]
		memory = 64
		memory = 65
	END
	froe create bad.cfg
	[ "$status" -eq 6 ]
	[ -z "$output" ]
	diff -u - <(echo "$stderr") <<-'END'
		Parsing config from bad.cfg
		bad.cfg:3:1: unknown key 'memroy' (did you mean memory?)
		bad.cfg:4:1: disk: not supported yet by Froe: disks (remove it from the file)
		bad.cfg:6:1: warning: memory: given already in line 5, column 1; this one counts
		froe: create: bad.cfg: 2 errors in the configuration
	END
	log_is
	froe -q --json create bad.cfg
	[ "$status" -eq 6 ]
	json '[e["item"] for e in j["errors"]] == ["bad.cfg:3:1", "bad.cfg:4:1", "bad.cfg"]'
	json 'j["warnings"][0]["item"] == "bad.cfg:6:1" and j["errors"][0]["hint"] == "did you mean memory?"'
	json_errors
}

@test "create --lax: unknown keys are warnings" {
	guest_file
	echo 'colour = "green"' >>guest.cfg
	froe create guest.cfg
	[ "$status" -eq 6 ]
	froe create --lax guest.cfg
	[ "$status" -eq 0 ]
	[[ $stderr == *"guest.cfg:5:1: warning: unknown key 'colour' has no effect"* ]]
}

@test "create: what the library refuses keeps its code" {
	guest_file
	for code in 1 3 6 11 12 14; do
		fake <<<"fail what=create code=$code id=x error=no such luck"
		froe create guest.cfg
		[ "$status" -eq $code ]
		[[ $stderr == *"froe: create: no such luck"* ]]
	done
}

@test "create: a kernel that is missing is no guest that is missing" {
	guest_file
	fake <<<"fail what=create code=10 id=x error=cannot open the kernel"
	froe create guest.cfg
	[ "$status" -eq 3 ]
	froe --json create guest.cfg
	json 'j["errors"][0]["code"] == 3 and j["errors"][0]["id"] == "not-found"'
}

@test "create -V, -A: guests have no screen" {
	guest_file
	for option in -V -A; do
		froe create $option guest.cfg
		[ "$status" -eq 1 ]
	done
	log_is
}

@test "create: a signal while it builds leaves nothing" {
	guest_file
	for signal in INT TERM HUP; do
		: >log
		export FROE_FAKE_DURING_CREATE="kill -$signal \$PPID"
		froe create guest.cfg
		[ "$status" -eq 130 ]
		[[ $stderr == *"new: interrupted, nothing is left of it"* ]]
		log_is "create new memory=67108864 vcpus=1" "destroy 7"
	done
}

@test "create -c: the console from its first byte" {
	guest_file
	"$BATS_TEST_DIRNAME/console.py" create
}

@test "create --check-host: all that the host does not have" {
	cat >guest.cfg <<-END
		name = "web1"
		kernel = "$PWD/kernel"
		ramdisk = "$PWD/ramdisk"
		memory = 1901
		cpus = "0-2"
		cpus_soft = "all,^0-1"
	END
	froe create -q --check-host guest.cfg
	[ "$status" -eq 18 ]
	diff -u - <(grep '^froe:' <<<"$stderr") <<-END
		froe: create: web1: kernel $PWD/kernel: No such file or directory
		froe: create: web1: ramdisk $PWD/ramdisk: No such file or directory
		froe: create: web1: memory: 1901 MiB are wanted, and 1900 MiB are free
		froe: create: web1: cpus: no CPU 2, the host has 0 to 1
		froe: create: web1: cpus_soft: leaves none of the CPUs 0 to 1
		froe: create: web1: there is a domain of this name, number 1
	END
	froe --json create --check-host guest.cfg
	[ "$status" -eq 18 ]
	json 'len(j["errors"]) == 6 and j["items"] == []'
	log_is
	touch kernel ramdisk
	froe -N create --check-host guest.cfg name=new memory=1900 cpus=0-1 cpus_soft=all,^0
	[ "$status" -eq 0 ]
	json 'j["c_info"]["name"] == "new"'
	log_is
	froe create --check-host guest.cfg name=new memory=1900 cpus=1 cpus_soft=0
	log_is "create new memory=1992294400 vcpus=1"
	echo "fail what=host code=12 id=x error=no hypervisor" >>fake
	froe create -n --check-host guest.cfg
	[ "$status" -eq 12 ]
	[ -z "$output" ]
}

@test "create: what is kept of a file with no newline at its end means the same" {
	local end
	for end in '' '# the last line' $'\n'; do
		printf '%s' $'name = "new"\nmemory = 64\nramdisk = "initrd"\nkernel = "k"' "$end" >guest.cfg
		"$top/build/tests/cli/parse" guest.cfg
		"$top/build/tests/cli/parse" guest.cfg vcpus=2
	done
}
