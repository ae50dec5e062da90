package physics_test
import ("fmt";"testing")
func TestZZ(t *testing.T){
	tr := follow(t,"biped_flight",false)
	for r, s := range tr.steps {
		if s<1||s>27 {continue}
		fmt.Printf("%d", s)
		for _, rows := range [][]float32{ {tr.want[r][1].Angle-tr.want[r][0].Angle,tr.want[r][2].Angle-tr.want[r][1].Angle,tr.want[r][3].Angle-tr.want[r][0].Angle,tr.want[r][4].Angle-tr.want[r][3].Angle,tr.want[r][0].Spin, tr.want[r][2].Spin,tr.want[r][4].Spin},{tr.got[r][1].Angle-tr.got[r][0].Angle,tr.got[r][2].Angle-tr.got[r][1].Angle,tr.got[r][3].Angle-tr.got[r][0].Angle,tr.got[r][4].Angle-tr.got[r][3].Angle,tr.got[r][0].Spin,tr.got[r][2].Spin,tr.got[r][4].Spin}} {
			fmt.Printf(" | %7.4f", rows)
		}
		fmt.Println()
	}
}
