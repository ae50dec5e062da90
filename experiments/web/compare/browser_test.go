package compare_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/terrarium-rl/terrarium/experiments/web/compare"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// browser starts headless Chromium, or skips the test where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil && path == "" {
			path = p
		}
	}
	if path == "" {
		if os.Getenv("REQUIRE_CHROMIUM") != "" {
			t.Fatal("chromium is required, and missing")
		}
		t.Skip("needs chromium")
	}
	o := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1100, 800),
		chromedp.Flag("disable-gpu", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), o...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Somebody answers twenty pairs in a real browser, by mouse and by keys, and the log says what
// was clicked.
func TestTwentyPairs(t *testing.T) {
	ctx := browser(t)
	const pairs = 20
	d := desk(t, pairs)
	url, p := serve(t, d)
	type action = chromedp.Action[chromedp.Void]
	do := func(what string, actions ...action) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			text, _ := chromedp.Run(ctx, chromedp.Text("#message"))
			t.Fatalf("%s: %v; the page says %q", what, err, text)
		}
	}
	done := func(n int) action {
		return chromedp.WaitVisible(fmt.Sprintf(`body[data-done="%d"]`, n))
	}
	click := func(how string) action { return chromedp.Click(fmt.Sprintf(`[data-answer="%s"]`, how)) }
	do("open", chromedp.Navigate(url+compare.Path), chromedp.WaitVisible("#name"), chromedp.SendKeys("#name", "Ada"),
		chromedp.Click("#start button"), done(0), chromedp.WaitVisible("#left canvas"))
	// What plays has to move, on both sides, and stop where it is told to.
	eval := func(script string) string {
		t.Helper()
		out, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		return out
	}
	picture := func() string {
		return eval(`["left", "right"].map((s) => document.querySelector("#" + s + " canvas").toDataURL()).join()`)
	}
	a := picture()
	for began := time.Now(); a == picture(); {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("the pieces do not play: pictures of %d bytes", len(a))
		}
	}
	scrub := func(seconds float64) string {
		eval(fmt.Sprintf(`(() => { const s = document.getElementById("scrub"); s.value = %v; s.dispatchEvent(new Event("input")); return "" })()`, seconds))
		return picture()
	}
	a = scrub(0.2)
	time.Sleep(200 * time.Millisecond)
	if b := picture(); a != b || b == scrub(0.4) {
		t.Error("the slider does not hold both pieces at its moment")
	}
	answers := []struct {
		how    string
		action action
		label  float32
		kind   feedback.Kind
	}{
		{"click left", click("left"), 1, feedback.Pair},
		{"key left", chromedp.KeyEvent(kb.ArrowLeft), 1, feedback.Pair},
		{"click right", click("right"), 0, feedback.Pair},
		{"key right", chromedp.KeyEvent(kb.ArrowRight), 0, feedback.Pair},
		{"click tie", click("tie"), 0.5, feedback.Pair},
		{"key tie", chromedp.KeyEvent(kb.ArrowDown), 0.5, feedback.Pair},
		{"click skip", click("skip"), 0, feedback.Declined},
		{"key skip", chromedp.KeyEvent("s"), 0, feedback.Declined},
		{"click cannot tell", click("cannot-tell"), 0, feedback.Declined},
		{"key cannot tell", chromedp.KeyEvent("c"), 0, feedback.Declined},
	}
	for i := range pairs {
		x := answers[i%len(answers)]
		if i == 2 { // far better, and a bad moment on the right
			do("strength and mark", chromedp.KeyEvent("3"), chromedp.Focus("#right .marks"), chromedp.KeyEvent("b"), chromedp.WaitVisible("#right .marks i.bad"))
		}
		do(x.how, x.action, done(i+1))
		if i == 3 {
			do("undo", chromedp.KeyEvent("u"), done(i), x.action, done(i+1))
		}
	}
	do("statistics", chromedp.Click("#people"), chromedp.WaitVisible("#statistics table"))
	text, err := chromedp.Run(ctx, chromedp.Text("#statistics"))
	if err != nil {
		t.Fatal(err)
	}
	rs, err := d.Answers()
	if err != nil {
		t.Fatal(err)
	}
	latest := feedback.Latest(rs)
	qs, err := d.Questions()
	if err != nil || len(latest) != pairs {
		t.Fatalf("%d answers: %v; the page says %s", len(latest), err, text)
	}
	for i, r := range latest {
		x := answers[i%len(answers)]
		if r.Kind != x.kind || r.Kind == feedback.Pair && r.Label != x.label || r.Segments[0] != qs[i].A || r.Segments[1] != qs[i].B || r.Annotator != 1 || !(r.Seconds > 0) {
			t.Errorf("answer %d, %s: %+v", i, x.how, r)
		}
	}
	if latest[2].Strength != -3 || latest[0].Strength != 0 {
		t.Errorf("strengths %v and %v, want -3 and 0", latest[2].Strength, latest[0].Strength)
	}
	marks := 0
	for _, r := range rs {
		if r.Kind == feedback.Marked && r.Segments[0] == qs[2].B && r.Steps[0].Value == -1 {
			marks++
		}
	}
	s, err := p.Progress()
	if err != nil || marks != 1 || s.Answered != pairs || s.Annotators[0].Left != 4 || s.Annotators[0].Skipped != 4 {
		t.Errorf("%d marks, progress %+v, %v", marks, s, err)
	}
}
