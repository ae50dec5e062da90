package qd

// distances writes the squared distances of the points of a block from q, each summed in the order
// of the coordinates as [squared] does, and returns a bit for each that is at most bound. Where no
// bit is set what it wrote means nothing. Coordinate j of point i is block[lanes*j+i].
var distances = kernels()[len(kernels())-1]

// every is how often, in coordinates, distances look whether all are above the bound already.
const every = 4

func distancesGo(dst *[lanes]float32, block, q []float32, bound float32) (near uint8) {
	*dst = [lanes]float32{}
	for j, v := range q {
		b := (*[lanes]float32)(block[lanes*j:])
		for i, u := range b {
			dst[i] += float32((u - v) * (u - v))
		}
	}
	for i, d := range dst {
		if d <= bound {
			near |= 1 << i
		}
	}
	return near
}
