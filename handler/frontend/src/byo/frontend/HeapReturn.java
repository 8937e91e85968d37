package byo.frontend;

/**
 * Gives the memory back by which the heap grew for large bodies.
 *
 * <p>The collector that is used gives memory back where it collects everything, and it does that only
 * when the heap is full again: after large bodies it would stay as large as they made it.
 */
final class HeapReturn {

    private static final long LOOK_MILLISECONDS = 5000;

    /** To collect everything stops all for some ten milliseconds, which little memory isn't worth. */
    private static final long WORTH_BYTES = 32L * 1024 * 1024;

    /** Where that gave nothing back, it is done again after twice as many looks, and not more. */
    private static final int MOST_LOOKS = 128;

    private final Runtime runtime = Runtime.getRuntime();
    private final long begun = runtime.totalMemory();
    private long before = begun;
    private int looks = 1;
    private int looksLeft = 1;

    private HeapReturn() {}

    static void begin() {
        Looks.begin(
                "heap-return",
                LOOK_MILLISECONDS,
                new HeapReturn()::look,
                "what large bodies took of the heap is not given back any more");
    }

    /** Collect, where the heap is larger than at first, and has not grown since the last look. */
    private void look() {
        long now = runtime.totalMemory();
        if (now != before || now <= begun + WORTH_BYTES) {
            looks = looksLeft = 1;
        } else if (--looksLeft == 0) {
            System.gc();
            looks = Math.min(2 * looks, MOST_LOOKS);
            looksLeft = looks;
        }
        before = now;
    }
}
