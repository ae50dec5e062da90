package tabular_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/tabular"
)

// A parcel service, and a proof that a hint towards the goal does not change what is best.
func ExampleMDP_Invariance() {
	d, err := tabular.NewDelivery([]string{
		"P..#",
		".#.D",
	}, 0.95, 0.1)
	if err != nil {
		panic(err)
	}
	r := d.Delivered()
	hint := make([]float64, d.States) // who has the parcel is nearer to being paid
	for s := d.States / 2; s < d.States; s++ {
		hint[s] = 0.5
	}
	fmt.Println("shaped:", d.Invariance(r, d.Shaped(r, hint)).Shaped)

	bonus := append(tabular.Reward(nil), r...)
	for i := range bonus {
		bonus[i] += hint[i%d.States] // paid again and again for carrying it about
	}
	proof := d.Invariance(r, bonus)
	fmt.Println("shaped:", proof.Shaped, "same optimal actions:", proof.Same)
	// Output:
	// shaped: true
	// shaped: false same optimal actions: false
}
