package geom

import (
	"encoding/json"
	"testing"
)

func TestVecJSON(t *testing.T) {
	b, err := json.Marshal([]Vec{{1.5, -2}})
	if err != nil || string(b) != "[[1.5,-2]]" {
		t.Errorf("%s, %v", b, err)
	}
	var v Vec
	if err := json.Unmarshal([]byte(" [3, 0.1]"), &v); err != nil || v != (Vec{3, 0.1}) {
		t.Errorf("%v, %v", v, err)
	}
	for _, bad := range []string{"[1]", "[1,2,3]", `{"X":1}`, `"a"`, "[1,1e99]"} {
		if err := json.Unmarshal([]byte(bad), &v); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}
