using Lorq.Benchmarks.Judges;
using Lorq.Examples.Ocr;
using SkiaSharp;

namespace Lorq.Tests.Benchmarks;

/// <summary>Reading text lines: what examples/Ocr shows and the recognizer's judge relies on.</summary>
public sealed class LineTests
{
    [Fact]
    public void Edit_distance_is_what_its_definition_says()
    {
        var random = new Random(1);
        for (int i = 0; i < 300; i++)
        {
            string a = Text(random, 6);
            string b = Text(random, 6);
            Assert.Equal(ByDefinition(a, b), EditDistance.Between(a, b));
        }
    }

    [Fact]
    public void Decoding_gives_back_any_text_however_long_its_classes_last()
    {
        string[] keys = ["a", "b", "c"];
        var decoder = new CtcDecoder(keys);
        var random = new Random(2);
        for (int i = 0; i < 200; i++)
        {
            string text = Text(random, 12, "abc ");
            var classes = new List<int>();
            int last = 0;
            foreach (char c in text)
            {
                int own = c == ' ' ? decoder.Classes - 1 : Array.IndexOf(keys, c.ToString()) + 1;
                // Between equal characters there must be a blank; elsewhere there may be.
                classes.AddRange(Enumerable.Repeat(0, own == last ? random.Next(1, 3) : random.Next(2)));
                classes.AddRange(Enumerable.Repeat(own, random.Next(1, 4)));
                last = own;
            }
            Assert.Equal(text, decoder.Decode(classes.ToArray()));
        }
    }

    [Fact]
    public void Best_class_of_each_step_and_a_clear_answer_to_the_wrong_alphabet()
    {
        var decoder = new CtcDecoder(["a"]);
        Assert.Equal([1, 0, 2], decoder.BestClasses([0.1f, 0.8f, 0.1f, 0.9f, 0.05f, 0.05f, 0.2f, 0.2f, 0.6f]));
        Assert.Throws<ArgumentException>(() => decoder.BestClasses(new float[4]));
    }

    [Fact]
    public void An_image_becomes_normalised_planes_in_blue_green_red()
    {
        string path = Image(30, 24, (_, _) => new SKColor(red: 255, green: 51, blue: 0));
        try
        {
            (float[] values, nint[] shape) = LineImage.Read(path);
            Assert.Equal<nint>([1, 3, 48, 60], shape);
            int plane = 48 * 60;
            Assert.All(values[..plane], v => Assert.Equal(-1, v, 1e-6));
            Assert.All(values[plane..(2 * plane)], v => Assert.Equal((51f / 255 - 0.5f) / 0.5f, v, 1e-6));
            Assert.All(values[(2 * plane)..], v => Assert.Equal(1, v, 1e-6));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_linear_ramp_stays_linear_when_it_is_resized()
    {
        // Bilinear interpolation is exact on it, away from the repeated edges.
        string path = Image(40, 24, (x, _) => new SKColor((byte)(5 * x), 0, 0));
        try
        {
            (float[] values, nint[] shape) = LineImage.Read(path);
            int width = (int)shape[3];
            for (int x = 1; x < width - 1; x++)
            {
                double expected = 5 * ((x + 0.5) * 40 / width - 0.5);
                Assert.Equal((expected / 255 - 0.5) / 0.5, values[2 * 48 * width + 10 * width + x], 1e-5);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void What_is_no_image_or_no_label_is_said()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            string labels = Path.Combine(folder, "labels.tsv");
            File.WriteAllText(labels, "a.jpg\tone\nb.jpg two\n");
            Assert.Contains("labels.tsv(2)", Assert.Throws<InvalidDataException>(() => LabelledLine.Load(folder)).Message);
            Assert.Contains("labels.tsv", Assert.Throws<InvalidDataException>(() => LineImage.Read(labels)).Message);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void The_bundled_recognizer_reads_the_bundled_lines()
    {
        string models = Path.Combine(TestData.Root, "examples", "models");
        using var recognizer = new LineRecognizer(Path.Combine(models, "rec.onnx"), Path.Combine(models, "keys.txt"), operators: false);
        var score = new Score();
        foreach (LabelledLine line in LabelledLine.Load(Path.Combine(models, "lines")))
        {
            score = score.Add(recognizer.Read(line.ImagePath), line.Text);
        }
        Assert.Equal(24, score.Lines);
        Assert.True(score.Exact >= 23, $"{score.Exact} lines exact");
        Assert.True(score.CharacterErrorRate < 0.01, $"rate {score.CharacterErrorRate}");
    }

    private static string Image(int width, int height, Func<int, int, SKColor> colour)
    {
        using var bitmap = new SKBitmap(width, height);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                bitmap.SetPixel(x, y, colour(x, y));
            }
        }
        string path = Path.GetTempFileName();
        using FileStream file = File.Create(path);
        Assert.True(bitmap.Encode(file, SKEncodedImageFormat.Png, 100));
        return path;
    }

    private static string Text(Random random, int most, string alphabet = "abc") =>
        new([.. Enumerable.Range(0, random.Next(most + 1)).Select(_ => alphabet[random.Next(alphabet.Length)])]);

    private static int ByDefinition(string a, string b) =>
        a.Length == 0 ? b.Length
        : b.Length == 0 ? a.Length
        : Math.Min(Math.Min(ByDefinition(a[1..], b), ByDefinition(a, b[1..])) + 1, ByDefinition(a[1..], b[1..]) + (a[0] == b[0] ? 0 : 1));
}
