package byo.frontend;

import com.amazonaws.ml.mms.util.JsonUtils;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** What models' processes note of their memory, in small files (handler/processes/memory_notes.py). */
final class ModelNotes {

    private ModelNotes() {}

    /** What a model's last load took, or null. */
    static JsonObject loaded(String model) {
        return read(hashed(model));
    }

    /** Why a model's last load was refused, with figures; or null. */
    static JsonObject refused(String model) {
        return read(hashed(model) + ".refused");
    }

    private static JsonObject read(String name) {
        String folder = System.getProperty("byo.folder");
        if (folder == null) {
            return null;
        }
        Path file = Paths.get(folder, "memory", name);
        try {
            String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
            return JsonUtils.GSON.fromJson(text, JsonObject.class);
        } catch (IOException | JsonParseException error) {
            return null; // nothing is noted
        }
    }

    private static String hashed(String model) {
        try {
            byte[] hash =
                    MessageDigest.getInstance("SHA-256")
                            .digest(model.getBytes(StandardCharsets.UTF_8));
            StringBuilder text = new StringBuilder();
            for (byte one : hash) {
                text.append(String.format("%02x", one));
            }
            return text.toString();
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error); // every Java has it
        }
    }
}
