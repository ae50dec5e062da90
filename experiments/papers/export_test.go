package papers

// Judge evaluates the bounds of c on the rows of r.
func (r *Result) Judge(c Claim) error { return r.judge(c) }
