package env

import "testing"

func TestRoleText(t *testing.T) {
	if len(roleNames) != Roles {
		t.Fatalf("%d names for %d roles", len(roleNames), Roles)
	}
	for r := range Role(Roles) {
		text, err := r.MarshalText()
		var back Role
		if err != nil || string(text) != r.String() || back.UnmarshalText(text) != nil || back != r {
			t.Errorf("role %d is written as %q and read as %d, %v", r, text, back, err)
		}
	}
	var r Role
	if err := r.UnmarshalText([]byte("hazzard")); err == nil || err.Error() != `unknown role "hazzard"; did you mean "hazard"?` {
		t.Errorf("got error %v", err)
	}
	if _, err := Role(200).MarshalText(); err == nil || Role(200).String() != "Role(200)" {
		t.Errorf("role 200 has a name: %v", Role(200))
	}
}
