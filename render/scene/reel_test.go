package scene

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// reelReader is an independent reading of the form that Reel documents.
type reelReader struct {
	t *testing.T
	*bytes.Reader
}

func (r reelReader) uvarint() int {
	v, err := binary.ReadUvarint(r)
	if err != nil {
		r.t.Fatal(err)
	}
	return int(v)
}

func (r reelReader) varint() int {
	v, err := binary.ReadVarint(r)
	if err != nil {
		r.t.Fatal(err)
	}
	return int(v)
}

func (r reelReader) float() float32 {
	var v uint32
	if err := binary.Read(r, binary.LittleEndian, &v); err != nil {
		r.t.Fatal(err)
	}
	return math.Float32frombits(v)
}

func (r reelReader) text() string {
	b := make([]byte, r.uvarint())
	if _, err := io.ReadFull(r, b); err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

type readShape struct {
	kind, role  int
	size, spoke int
	text        string
	pts         []int
}

func (r reelReader) shape(before []readShape, i int) (s readShape) {
	kind, _ := r.ReadByte()
	role, _ := r.ReadByte()
	s = readShape{kind: int(kind), role: int(role), size: r.varint(), spoke: r.varint()}
	if Kind(kind) == Label {
		s.text = r.text()
	}
	s.pts = make([]int, 2*r.uvarint())
	same := i < len(before) && before[i].kind == s.kind && before[i].role == s.role && len(before[i].pts) == len(s.pts)
	for k := range s.pts {
		from := 0
		if same {
			from = before[i].pts[k]
		} else if k > 1 {
			from = s.pts[k-2]
		}
		s.pts[k] = from + r.varint()
	}
	return s
}

// Reading a reel gives back its lists within a unit, also where shapes come and go.
func TestReelHoldsItsLists(t *testing.T) {
	reel := NewReel(20)
	var lists []*List
	for i := range 12 {
		l := listOf(landing)
		if i%3 == 1 {
			l.Circle(env.RoleObject, geom.Vec{X: float32(i), Y: 2}, 0.5, float32(i))
		}
		if i%4 == 2 {
			l.View(geom.Vec{X: 1, Y: 1}, geom.Vec{X: 9, Y: 7})
		}
		l.Label(env.RoleText, geom.Vec{X: 1, Y: float32(i)}, strings.Repeat("é", i))
		lists = append(lists, l)
		reel.Add(l, "step "+string(rune('a'+i)))
	}
	text, err := reel.Base64()
	if err != nil {
		t.Fatal(err)
	}
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	r := reelReader{t, bytes.NewReader(data)}
	if v, _ := r.ReadByte(); v != 1 {
		t.Fatalf("version %d, want 1", v)
	}
	fps, unit := r.float(), r.float()
	if n := r.uvarint(); fps != 20 || n != 12 {
		t.Fatalf("%v frames a second, %d frames, want 20 and 12", fps, n)
	}
	near := func(what string, q int, v float32) {
		if d := float32(q)*unit - v; geom.Abs(d) > 0.51*unit {
			t.Fatalf("%s is %v, want %v within half of %v", what, float32(q)*unit, v, unit)
		}
	}
	var view [4]int
	var before []readShape
	for i, l := range lists {
		if c := r.text(); c != "step "+string(rune('a'+i)) {
			t.Fatalf("caption %q", c)
		}
		lo, hi := l.Bounds()
		for k, v := range []float32{lo.X, lo.Y, hi.X, hi.Y} {
			view[k] += r.varint()
			near("view", view[k], v)
		}
		if n := r.uvarint(); n != l.Len() {
			t.Fatalf("%d shapes, want %d", n, l.Len())
		}
		var now []readShape
		for j := range l.Len() {
			s, want := r.shape(before, j), l.At(j)
			now = append(now, s)
			if s.kind != int(want.Kind) || s.role != int(want.Role) || s.text != want.Text || len(s.pts) != 2*len(want.Pts) {
				t.Fatalf("frame %d, shape %d is %+v, want %+v", i, j, s, want)
			}
			near("size", s.size, want.Size)
			for k, p := range want.Pts {
				near("x", s.pts[2*k], p.X)
				near("y", s.pts[2*k+1], p.Y)
			}
		}
		before = now
	}
	if r.Len() != 0 {
		t.Errorf("%d bytes are left", r.Len())
	}
}

// A scene at rest costs a few bytes a frame.
func TestReelIsSmallAtRest(t *testing.T) {
	reel := NewReel(20)
	l := listOf(landing)
	for range 400 {
		reel.Add(l, "")
	}
	if text, err := reel.Base64(); err != nil || len(text) > 2500 {
		t.Errorf("%d bytes, want at most 2500; %v", len(text), err)
	}
}

func TestPlayerHasBothThemes(t *testing.T) {
	js, err := Player()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"light":`, `"dark":`, "deflate-raw", webColour(Dark().Roles[env.RoleAgent].Fill)} {
		if !strings.Contains(js, want) {
			t.Errorf("the player has no %s", want)
		}
	}
	if strings.Contains(js, "</script") {
		t.Error("the player would end its own script element")
	}
}
