#!/usr/bin/env bats
# froe vm-list: guests, without the control domain.
load helpers

@test "vm-list: options and errors" {
	usual vm-list
	froe vm-list
	[ "$status" -eq 12 ]
}

@test "vm-list: the table and its JSON" {
	froe vm-list
	says <<-END
		UUID                                  ID    name
		01234567-89ab-cdef-0123-456789abcdef  1    web1                          
		11234567-89ab-cdef-0123-456789abcdef  3    db                            
	END
	froe --json vm-list
	json 'j["items"][1] == {"uuid": "11234567-89ab-cdef-0123-456789abcdef", "domid": 3, "name": "db"}'
	froe vm-list web1
	[ "$status" -eq 2 ]
}
