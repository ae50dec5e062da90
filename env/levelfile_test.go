package env

import (
	"reflect"
	"strings"
	"testing"
)

func TestLevelFile(t *testing.T) {
	s := &Spec{ID: "a-v0", Params: []Param{{Name: "g", Lo: 1, Hi: 3}}}
	f := &LevelFile{"a-v0", Level{Params: []float32{2}, Seed: 9}}
	text, err := f.Text()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := ReadLevel(text, s); err != nil || !reflect.DeepEqual(back, f) {
		t.Errorf("%s reads back as %+v, %v", text, back, err)
	}
	if _, err := ReadLevel([]byte(`{"params": [2], "seed": 1}`), s); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		`{"params": [4]}`: "level parameter g is 4, want 1 to 3", `{"env": "b-v0", "params": [2]}`: "a level of b-v0, not of a-v0",
		`{"parms": [2]}`: `unknown field "parms"`, `{"params": [2]} x`: "something follows", `{`: "unexpected EOF",
	} {
		if _, err := ReadLevel([]byte(text), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %s", text, err, want)
		}
	}
}
