package env

import (
	"reflect"
	"testing"
)

// CopyFrom copies every column, and nothing but it: a column added to Batch and forgotten there fails this.
func TestCopyFrom(t *testing.T) {
	field := func(name string, n int) []Field { return []Field{{Name: name, Len: n, Hi: 1}} }
	s := &Spec{Agents: 2, Obs: field("o", 3), Act: field("a", 2), Facts: field("f", 4)}
	a, b := NewBatch(s, 5), NewBatch(s, 5)
	v := reflect.ValueOf(a).Elem()
	for i := range v.NumField() {
		if c := v.Field(i); c.Kind() == reflect.Slice {
			for j := range c.Len() {
				c.Index(j).Set(reflect.ValueOf(i + j).Convert(c.Type().Elem()))
			}
		}
	}
	if b.CopyFrom(a); !reflect.DeepEqual(a, b) {
		t.Errorf("copied %+v, want %+v", b, a)
	}
	if b.Obs[0]++; a.Obs[0] == b.Obs[0] {
		t.Error("the copy shares memory")
	}
	to, from := a.Rows(2, 3), a.Rows(7, 8)
	if to.CopyFrom(&from); a.Facts[2*4] != a.Facts[7*4] || a.Facts[1*4] == a.Facts[7*4] || a.Facts[3*4] == a.Facts[7*4] {
		t.Error("a copied row is not in its place alone")
	}
	defer func() {
		if recover() == nil {
			t.Error("a batch with fewer rows is taken")
		}
	}()
	from = a.Rows(0, 4)
	b.CopyFrom(&from)
}
