package registry

import "testing"

func TestRegistry(t *testing.T) {
	r := New[int]("fruit")
	r.Register("pear", 2)
	r.Register("apple", 1)
	if v, err := r.Lookup("pear"); v != 2 || err != nil {
		t.Errorf("Lookup = %v, %v", v, err)
	}
	if n := r.Names(); len(n) != 2 || n[0] != "apple" {
		t.Errorf("Names = %v", n)
	}
	for name, want := range map[string]string{
		"aple":   `unknown fruit "aple"; did you mean "apple"?`,
		"banana": `unknown fruit "banana"; known: apple, pear`,
	} {
		if _, err := r.Lookup(name); err == nil || err.Error() != want {
			t.Errorf("Lookup(%q) = %v, want %s", name, err, want)
		}
	}
	for _, name := range []string{"", "pear"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Register(%q) did not panic", name)
				}
			}()
			r.Register(name, 3)
		}()
	}
}

// Two modules that register one name are both named.
func TestDuplicateNamesPackages(t *testing.T) {
	r := New[func() int]("fruit")
	r.Register("pear", func() int { return 1 })
	defer func() {
		const here = "github.com/terrarium-rl/terrarium/env/registry"
		if got, want := recover(), "fruit: Register called twice for pear: by package "+here+" and by package "+here; got != want {
			t.Errorf("panic %v, want %s", got, want)
		}
	}()
	r.Register("pear", func() int { return 2 })
}
