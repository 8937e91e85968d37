package byo.frontend;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Paths;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.status.StatusConsoleListener;
import org.apache.logging.log4j.status.StatusData;
import org.apache.logging.log4j.status.StatusLogger;
import org.slf4j.LoggerFactory;

/**
 * Has log4j begin without two complaints that concern nobody, and say what else would be printed as
 * a stack trace; whatever else it says itself is shown.
 */
final class QuietLog {

    private static final String LOCATOR = "org.apache.logging.log4j.util.StackLocator";

    private QuietLog() {}

    /** To be called before anything logs: by its process id, lines are told apart. */
    static void begin() {
        System.setProperty("byo.pid", processId());
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, error) -> LoggerFactory.getLogger("frontend")
                        .error("thread {} ended by an exception", thread.getName(), error));
        StatusLogger.getLogger().registerListener(new Complaints());
        loadLocator();
    }

    /** Not by the way of JMX, which would take a quarter of the start. */
    private static String processId() {
        try {
            return Files.readSymbolicLink(Paths.get("/proc/self")).toString();
        } catch (IOException error) {
            return "0";
        }
    }

    /**
     * Loads the class that finds out who logs, which prints that it is slow on this version of
     * Java; no logger here asks it more than once.
     */
    private static void loadLocator() {
        PrintStream out = System.out;
        System.setOut(new PrintStream(new ByteArrayOutputStream()));
        try {
            Class.forName(LOCATOR);
        } catch (ClassNotFoundException error) {
            // Another version of log4j, which finds it out otherwise.
        } finally {
            System.setOut(out);
        }
    }

    /**
     * What log4j says of itself. It looks for the machine's name, which nothing here needs, and
     * which has no address where there is no network.
     */
    private static final class Complaints extends StatusConsoleListener {

        Complaints() {
            super(Level.ERROR);
        }

        @Override
        public void log(StatusData data) {
            if (!(data.getThrowable() instanceof UnknownHostException)) {
                super.log(data);
            }
        }
    }
}
