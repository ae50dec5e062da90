package env

import (
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/env/registry"
)

// roleNames are the roles in files, by number.
var roleNames = [...]string{
	"ground", "agent", "other", "limb", "object", "goal", "hazard", "key", "joint", "force", "sensor", "text", "backdrop",
}

// String returns the name of r.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// MarshalText returns the name of r.
func (r Role) MarshalText() ([]byte, error) {
	if int(r) >= len(roleNames) {
		return nil, fmt.Errorf("there is no role %d", uint8(r))
	}
	return []byte(roleNames[r]), nil
}

// UnmarshalText reads the name of a role.
func (r *Role) UnmarshalText(text []byte) error {
	i := slices.Index(roleNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("unknown role %q%s", text, registry.Suggest(string(text), roleNames[:]))
	}
	*r = Role(i)
	return nil
}
