package registry_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/registry"
)

// A registry knows names, and what somebody may have meant by another one.
func Example() {
	fruit := registry.New[int]("fruit")
	fruit.Register("apple", 1)
	fruit.Register("pear", 2)

	n, err := fruit.Lookup("pear")
	fmt.Println(fruit.Names(), n, err)
	_, err = fruit.Lookup("appel")
	fmt.Println(err)
	_, err = fruit.Lookup("kiwi")
	fmt.Println(err)
	// Output:
	// [apple pear] 2 <nil>
	// unknown fruit "appel"; did you mean "apple"?
	// unknown fruit "kiwi"; known: apple, pear
}
