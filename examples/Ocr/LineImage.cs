using SkiaSharp;

namespace Lorq.Examples.Ocr;

/// <summary>An image of one text line as the recognizer's input.</summary>
public static class LineImage
{
    /// <summary>The height the recognizer reads.</summary>
    public const int Height = 48;

    private const int Channels = 3;

    /// <summary>
    /// Reads an image and resizes it bilinearly to height 48, keeping its proportions. Planes blue, green, red, each value
    /// (v/255 − 0.5)/0.5.
    /// </summary>
    /// <returns>1 × 3 × 48 × width, row-major.</returns>
    /// <exception cref="InvalidDataException">The file is no image that can be read.</exception>
    public static (float[] Values, nint[] Shape) Read(string path)
    {
        using SKBitmap bitmap =
            SKBitmap.Decode(path) ?? throw new InvalidDataException($"'{path}' is no image that can be read (JPEG or PNG is).");
        int width = Math.Max(1, (int)Math.Round((double)bitmap.Width * Height / bitmap.Height));
        return (Resize(bitmap.Pixels, bitmap.Width, bitmap.Height, width), [1, Channels, Height, width]);
    }

    /// <summary>Bilinear resize, pixel centres aligned, edges repeated; normalised planes.</summary>
    private static float[] Resize(SKColor[] pixels, int sourceWidth, int sourceHeight, int width)
    {
        (int From, int To, float Share)[] columns = Taps(width, sourceWidth);
        (int From, int To, float Share)[] rows = Taps(Height, sourceHeight);
        var values = new float[Channels * Height * width];
        int plane = Height * width;
        for (int y = 0; y < Height; y++)
        {
            ReadOnlySpan<SKColor> top = pixels.AsSpan(rows[y].From * sourceWidth, sourceWidth);
            ReadOnlySpan<SKColor> bottom = pixels.AsSpan(rows[y].To * sourceWidth, sourceWidth);
            for (int x = 0; x < width; x++)
            {
                (int left, int right, float share) = columns[x];
                (SKColor a, SKColor b, SKColor c, SKColor d) = (top[left], top[right], bottom[left], bottom[right]);
                int at = y * width + x;
                values[at] = Mix(a.Blue, b.Blue, c.Blue, d.Blue, share, rows[y].Share);
                values[plane + at] = Mix(a.Green, b.Green, c.Green, d.Green, share, rows[y].Share);
                values[2 * plane + at] = Mix(a.Red, b.Red, c.Red, d.Red, share, rows[y].Share);
            }
        }
        return values;
    }

    /// <summary>For each target position the two source positions around its centre, and the second one's share.</summary>
    private static (int From, int To, float Share)[] Taps(int target, int source)
    {
        var taps = new (int, int, float)[target];
        for (int i = 0; i < target; i++)
        {
            double centre = Math.Clamp((i + 0.5) * source / target - 0.5, 0, source - 1);
            int from = (int)centre;
            taps[i] = (from, Math.Min(from + 1, source - 1), (float)(centre - from));
        }
        return taps;
    }

    private static float Mix(byte a, byte b, byte c, byte d, float right, float down)
    {
        float top = a + (b - a) * right;
        float bottom = c + (d - c) * right;
        return ((top + (bottom - top) * down) / 255 - 0.5f) / 0.5f;
    }
}
