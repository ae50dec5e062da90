package geom

import (
	"encoding/json"
	"fmt"
)

// MarshalJSON writes a as [x, y].
func (a Vec) MarshalJSON() ([]byte, error) { return json.Marshal([2]float32{a.X, a.Y}) }

// UnmarshalJSON reads [x, y].
func (a *Vec) UnmarshalJSON(data []byte) error {
	var xy []float32
	if err := json.Unmarshal(data, &xy); err != nil || len(xy) != 2 {
		return fmt.Errorf("%s is not a point [x, y]", data)
	}
	a.X, a.Y = xy[0], xy[1]
	return nil
}
