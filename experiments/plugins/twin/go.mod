module github.com/terrarium-rl/terrarium/experiments/plugins/twin

go 1.26.0

require github.com/terrarium-rl/terrarium v0.0.0

require (
	github.com/agnivade/levenshtein v1.2.2 // indirect
	github.com/vulkan-go/vulkan v0.0.0-20221209234627-c0a353ae26c8 // indirect
)

replace github.com/terrarium-rl/terrarium => ../../..
