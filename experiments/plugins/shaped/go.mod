module github.com/terrarium-rl/terrarium/experiments/plugins/shaped

go 1.26.0

require github.com/terrarium-rl/terrarium v0.0.0

require github.com/agnivade/levenshtein v1.2.2 // indirect

replace github.com/terrarium-rl/terrarium => ../../..
