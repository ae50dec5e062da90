//go:build linux && cgo && (amd64 || arm64)

package vk

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const askedFor = "TERRARIUM_DEVICES"

// What loaders and drivers do that are broken, or not there, must be an error that says what to do, not a crash.
func TestLoader(t *testing.T) {
	if os.Getenv(askedFor) != "" {
		if _, err := Devices(); errors.Is(err, ErrUnavailable) {
			t.Logf("begin %v end", err)
		}
		return
	}
	open(t, Options{}).Close() // skips where there is none
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "broken.json"), []byte("{broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	libraries := func(name string, make func(path string) error) string {
		path := filepath.Join(dir, name, "libvulkan.so.1")
		if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), make(path)); err != nil {
			t.Fatal(err)
		}
		return "LD_LIBRARY_PATH=" + filepath.Dir(path)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	libc := regexp.MustCompile(`/\S*/libc\S*\.so\S*`).FindString(string(maps))
	for _, x := range []struct{ env, want string }{
		{"VK_ICD_FILENAMES=" + dir + "/none.json", "incompatible driver; VK_ICD_FILENAMES is set, so that no driver is looked for but"},
		{"VK_ICD_FILENAMES=" + dir + "/broken.json", "VK_ICD_FILENAMES is set, so that no driver is looked for but"},
		{libraries("damaged", func(path string) error { return os.WriteFile(path, []byte("no library"), 0o600) }), "there is no Vulkan loader ("},
		{libraries("other", func(path string) error { return os.Symlink(libc, path) }), "undefined symbol: vkGetInstanceProcAddr); install the GPU's driver"},
	} {
		c := exec.Command(os.Args[0], "-test.run", "^TestLoader$", "-test.v")
		c.Env = append(os.Environ(), askedFor+"=1", "VK_DRIVER_FILES=", x.env)
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "begin vulkan unavailable: ") || !strings.Contains(string(out), x.want) || !strings.Contains(string(out), " end") {
			t.Errorf("%s: %v\n%s\nwant %q", x.env, err, out, x.want)
		}
	}
}
