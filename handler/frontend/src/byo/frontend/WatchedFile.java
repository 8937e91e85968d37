package byo.frontend;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.concurrent.TimeUnit;

/** A small file in the scratch folder that `serve` replaces. */
final class WatchedFile {

    private static final long READ_NANOSECONDS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final int LONGEST = 64 * 1024;

    /** What was found at a time. */
    static final class Content {

        /** The text; null if there was no file, or none of ours. */
        final String text;

        /** How many seconds the file was old when it was read, by the clock of the file system. */
        final long age;

        private final long readAt;

        private Content(String text, long age, long readAt) {
            this.text = text;
            this.age = age;
            this.readAt = readAt;
        }
    }

    private final Path path;
    private volatile Content last;

    /**
     * The file of a name.
     *
     * @param name in the folder that the system property byo.folder names; without it no file is
     *     ever found.
     */
    WatchedFile(String name) {
        String folder = System.getProperty("byo.folder");
        path = folder == null ? null : Paths.get(folder, name);
    }

    /** What it holds, or held half a second ago. */
    Content content() {
        Content known = last;
        if (known == null || System.nanoTime() - known.readAt > READ_NANOSECONDS) {
            return contentNow();
        }
        return known;
    }

    /** What it holds. */
    Content contentNow() {
        Content known = read();
        last = known;
        return known;
    }

    private Content read() {
        long now = System.nanoTime();
        try {
            if (path == null || Files.size(path) > LONGEST) {
                return new Content(null, 0, now);
            }
            String text = new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
            long age = System.currentTimeMillis() - Files.getLastModifiedTime(path).toMillis();
            return new Content(text, TimeUnit.MILLISECONDS.toSeconds(age), now);
        } catch (IOException error) {
            return new Content(null, 0, now);
        }
    }
}
