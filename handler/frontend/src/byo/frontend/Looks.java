package byo.frontend;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks at something again and again, in a thread of its own that keeps no JVM from ending. */
final class Looks implements Runnable {

    private static final Logger LOGGER = LoggerFactory.getLogger(Looks.class);

    /** What is done each time; what it throws is told, and ends it. */
    interface Look {
        void look() throws Exception;
    }

    private final long pauseMilliseconds;
    private final Look look;
    private final String without;

    private Looks(long pauseMilliseconds, Look look, String without) {
        this.pauseMilliseconds = pauseMilliseconds;
        this.look = look;
        this.without = without;
    }

    /**
     * Begin to look.
     *
     * @param name the thread's name
     * @param pauseMilliseconds how long to wait before each look
     * @param look what is done
     * @param without what the log says where that has failed, and is done no more
     */
    static void begin(String name, long pauseMilliseconds, Look look, String without) {
        Thread thread = new Thread(new Looks(pauseMilliseconds, look, without), name);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void run() {
        try {
            while (true) {
                Thread.sleep(pauseMilliseconds);
                look.look();
            }
        } catch (InterruptedException end) {
            Thread.currentThread().interrupt();
        } catch (Exception error) {
            LOGGER.warn(without, error);
        }
    }
}
