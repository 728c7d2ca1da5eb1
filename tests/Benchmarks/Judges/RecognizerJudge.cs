using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text;
using Lorq.Calibration;
using Lorq.Onnx;
using Microsoft.ML.OnnxRuntime;
using SkiaSharp;

namespace Lorq.Benchmarks.Judges;

/// <summary>PP-OCR recognizer: character error rate over labelled lines, greedy CTC decoding, edit distance.</summary>
internal sealed class RecognizerJudge(string folder) : IJudge
{
    private const int Height = 48;

    public string Metric => "character error rate";

    public string Original => Path.Combine(folder, "rec.onnx");

    public string Calibration => Path.Combine(folder, "calibration.npz");

    public double Judge(string path) => Read(path).ErrorRate;

    /// <summary>Character error rate, and the share of lines without an error.</summary>
    public (double ErrorRate, double Exact) Read(string path)
    {
        string[] keys = File.ReadAllLines(Path.Combine(folder, "keys.txt"));
        using var runner = new ModelRunner(path);
        (long errors, long characters, int exact, int lines) = (0, 0, 0, 0);
        foreach (string row in File.ReadLines(Path.Combine(folder, "lines", "labels.tsv")))
        {
            string[] parts = row.Split('\t', 2);
            var inputs = new Dictionary<string, DataTensor>
            {
                [runner.Inputs[0].Name] = Image(Path.Combine(folder, "lines", parts[0])),
            };
            using IDisposableReadOnlyCollection<OrtValue> outputs = runner.Run(inputs);
            int classes = (int)outputs[0].GetTensorTypeAndShape().Shape[2];
            string text = Decode(outputs[0].GetTensorDataAsSpan<float>(), classes, keys);
            int distance = EditDistance(text, parts[1]);
            errors += distance;
            characters += parts[1].Length;
            exact += distance == 0 ? 1 : 0;
            lines++;
        }
        return ((double)errors / characters, (double)exact / lines);
    }

    /// <summary>Best class per step, repeats joined, blanks (class 0) dropped; class k is line k of the keys, the last a space.</summary>
    private static string Decode(ReadOnlySpan<float> probabilities, int classes, string[] keys)
    {
        var text = new StringBuilder();
        int last = 0;
        for (int at = 0; at < probabilities.Length; at += classes)
        {
            int best = TensorPrimitives.IndexOfMax(probabilities.Slice(at, classes));
            if (best != last && best != 0)
            {
                text.Append(best <= keys.Length ? keys[best - 1] : " ");
            }
            last = best;
        }
        return text.ToString();
    }

    /// <summary>1×3×48×W, BGR, (v/255 − 0.5)/0.5, resized bilinearly with pixel centres aligned.</summary>
    private static DataTensor Image(string path)
    {
        using SKBitmap bitmap = SKBitmap.Decode(path);
        int width = Math.Max(1, (int)Math.Round((double)bitmap.Width * Height / bitmap.Height));
        var values = new float[3 * Height * width];
        for (int y = 0; y < Height; y++)
        {
            double sy = Math.Clamp((y + 0.5) * bitmap.Height / Height - 0.5, 0, bitmap.Height - 1);
            for (int x = 0; x < width; x++)
            {
                double sx = Math.Clamp((x + 0.5) * bitmap.Width / width - 0.5, 0, bitmap.Width - 1);
                (int x0, int y0) = ((int)sx, (int)sy);
                (int x1, int y1) = (Math.Min(x0 + 1, bitmap.Width - 1), Math.Min(y0 + 1, bitmap.Height - 1));
                (double fx, double fy) = (sx - x0, sy - y0);
                (SKColor a, SKColor b, SKColor c, SKColor d) = (
                    bitmap.GetPixel(x0, y0),
                    bitmap.GetPixel(x1, y0),
                    bitmap.GetPixel(x0, y1),
                    bitmap.GetPixel(x1, y1)
                );
                double Mix(Func<SKColor, byte> channel) =>
                    (channel(a) * (1 - fx) + channel(b) * fx) * (1 - fy) + (channel(c) * (1 - fx) + channel(d) * fx) * fy;
                int at = y * width + x;
                values[at] = Scale(Mix(p => p.Blue));
                values[Height * width + at] = Scale(Mix(p => p.Green));
                values[2 * Height * width + at] = Scale(Mix(p => p.Red));
            }
        }
        return new DataTensor(TensorProto.Types.DataType.Float, [1, 3, Height, width], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    }

    private static float Scale(double value) => (float)((value / 255 - 0.5) / 0.5);

    private static int EditDistance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int next = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = row[j];
                row[j] = next;
            }
        }
        return row[b.Length];
    }
}
