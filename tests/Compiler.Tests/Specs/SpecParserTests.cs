using System.Text;
using Lorq.Diagnostics;
using Lorq.Quantization;
using Lorq.Sites;
using Lorq.Specs;
using Lorq.Tests.Models;

namespace Lorq.Tests.Specs;

public class SpecParserTests
{
    private const string Full = """
        // A comment
        {
          "$schema": "./lorq-spec.schema.json",
          "budget": "14.66MB",
          "maxLoss": 0.01,
          "target": "onnx",
          "threads": 2,
          "activations": "int8",
          "externalData": true,
          "exclude": ["a*", "b?"],
          "calibration": { "data": ["x.npz"], "batchSize": 4, "maxSamples": 10, "heldOut": 0.5, "mask": "m", "memoryCap": 2097152, },
          /* another */
          "menu": {
            "bits": [4, 8], "blocks": [0, 32], "methods": ["rtn", "hqq"], "symmetry": "asymmetric", "scales": "fp32", "codebooks": true,
            "ranks": [0, 16], "factorBits": [8], "decompositions": ["exact"]
          },
          "overrides": [{ "match": "*head*", "kind": "MatMul", "bits": [8], "blocks": [64], "methods": ["rtn"],
            "ranks": [8], "minBits": 2.5, "maxBits": 6 }, { "match": "z", "keep": true }],
          "accuracy": { "metric": "cosine", "limit": 0.99 },
        }
        """;

    [Fact]
    public void ReadsEveryKey()
    {
        CompressionSpec s = Parse(Full);
        Assert.Equal(new SizeBudget.Bytes(14_660_000), s.Budget);
        Assert.Equal(0.01, s.MaxLoss);
        Assert.Equal(("onnx", 2, true), (s.Target, s.Threads, s.ExternalData));
        Assert.Equal(["a*", "b?"], s.Exclude);
        Assert.Equal(["x.npz"], s.Calibration.Data);
        Assert.Equal((4, 10, 0.5, "m", 2097152L), Of(s.Calibration));
        Assert.Equal([4, 8], s.Menu.Bits);
        Assert.Equal([0, 32], s.Menu.Blocks);
        Assert.Equal(["rtn", "hqq"], s.Menu.Methods);
        Assert.Equal((Symmetry.Asymmetric, ScaleType.Float32, true), (s.Menu.Symmetry, s.Menu.Scales, s.Menu.Codebooks));
        Assert.Equal([0, 16], s.Menu.Ranks);
        Assert.Equal([8], s.Menu.FactorBits);
        Assert.Equal(["exact"], s.Menu.Decompositions);
        Assert.Equal(2, s.Overrides.Count);
        SiteOverride first = s.Overrides[0];
        Assert.Equal(("*head*", SiteKind.MatMul, false), (first.Match, first.Kind!.Value, first.Keep));
        Assert.Equal([8], first.Bits!);
        Assert.Equal([64], first.Blocks!);
        Assert.Equal(["rtn"], first.Methods!);
        Assert.Equal([8], first.Ranks!);
        Assert.Equal((2.5, 6.0), (first.MinBits!.Value, first.MaxBits!.Value));
        Assert.Equal(("z", true), (s.Overrides[1].Match, s.Overrides[1].Keep));
        Assert.Equal(new AccuracyLimit("cosine", 0.99), s.Accuracy);
    }

    [Fact]
    public void WrittenSpecReadsBackTheSame()
    {
        string text = SpecJson.Write(Parse(Full));
        Assert.Equal(text, SpecJson.Write(Parse(text)));
        Assert.Equal(SpecJson.Write(new CompressionSpec()), SpecJson.Write(Parse(SpecJson.Write(new CompressionSpec()))));
        // Every key of the full spec differs from its default, so each must be there.
        Assert.All(SpecKeys.All, k => Assert.Contains($"\"{k.Path.Split('.')[^1]}\"", text));
        Assert.All(SpecKeys.Override, k => Assert.Contains($"\"{k.Path}\"", text));
    }

    [Theory]
    [InlineData("{\n  \"bugdet\": \"25%\"\n}", "LORQ0203", 2, 3, "did you mean 'budget'?")]
    [InlineData("{ \"menu\": { \"bit\": [4] } }", "LORQ0203", 1, 13, "'menu.bit'; did you mean 'bits'?")]
    [InlineData("{ \"menu.bits\": [4] }", "LORQ0203", 1, 3, "'menu.bits'")]
    [InlineData("{ \"overrides\": [{ \"math\": \"x\" }] }", "LORQ0203", 1, 19, "did you mean 'match'?")]
    [InlineData("{ \"zzzzzzzzz\": 1 }", "LORQ0203", 1, 3, "there are budget, maxLoss, target")]
    [InlineData("{ \"target\": \"ort\",\n\n    \"target\": \"onnx\" }", "LORQ0205", 3, 5, "'target'")]
    [InlineData("{ \"menu\": { \"bits\": [4], \"bits\": [4] } }", "LORQ0205", 1, 26, "'menu.bits'")]
    [InlineData("{ \"target\": \"tflite\" }", "LORQ0204", 1, 13, "one of ort, onnx, fused, but has \"tflite\"")]
    [InlineData("{ \"target\": 3 }", "LORQ0204", 1, 13, "but has 3")]
    [InlineData("{ \"threads\": \"two\" }", "LORQ0204", 1, 14, "a whole number from 0 to 1024")]
    [InlineData("{ \"threads\": -1 }", "LORQ0204", 1, 14, "has -1")]
    [InlineData("{ \"threads\": 1.5 }", "LORQ0204", 1, 14, "has 1.5")]
    [InlineData("{ \"threads\": 99999999999999999999 }", "LORQ0204", 1, 14, "99999999999999999999")]
    [InlineData("{ \"externalData\": 1 }", "LORQ0204", 1, 19, "true or false")]
    [InlineData("{ \"exclude\": \"a\" }", "LORQ0204", 1, 14, "an array of strings")]
    [InlineData("{ \"exclude\": [\"a\", \"\"] }", "LORQ0204", 1, 20, "not empty")]
    [InlineData("{ \"exclude\": [\"a\", null] }", "LORQ0204", 1, 20, "has null")]
    [InlineData("{ \"menu\": [] }", "LORQ0204", 1, 11, "'menu' wants an object, but has an array")]
    [InlineData("{ \"menu\": { \"bits\": [] } }", "LORQ0204", 1, 21, "at least one")]
    [InlineData("{ \"menu\": { \"bits\": [4, 8, 4] } }", "LORQ0204", 1, 21, "4 twice")]
    [InlineData("{ \"menu\": { \"bits\": [4,\n 7] } }", "LORQ0204", 2, 2, "has 7")]
    [InlineData("{ \"menu\": { \"blocks\": [48] } }", "LORQ0204", 1, 24, "has 48")]
    [InlineData("{ \"menu\": { \"methods\": [\"GPTQ\"] } }", "LORQ0204", 1, 25, "auto, rtn")]
    [InlineData("{ \"calibration\": { \"heldOut\": 1.5 } }", "LORQ0204", 1, 31, "from 0.01 to 0.9")]
    [InlineData("{ \"calibration\": { \"memoryCap\": 12 } }", "LORQ0204", 1, 33, "has 12")]
    [InlineData("{ \"budget\": \"lots\" }", "LORQ0201", 1, 13, "'lots'")]
    [InlineData("{ \"budget\": -3 }", "LORQ0201", 1, 13, "'-3'")]
    [InlineData("{ \"budget\": true }", "LORQ0204", 1, 13, "12299000 or \"3.5bpw\", but has true")]
    [InlineData("{ \"budget\": \"\" }", "LORQ0204", 1, 13, "a size such as \"25%\"")]
    [InlineData("{ \"accuracy\": { \"metric\": \"kl\" } }", "LORQ0204", 1, 15, "no limit")]
    [InlineData("{ \"accuracy\": { \"limit\": 1 } }", "LORQ0204", 1, 15, "no metric")]
    [InlineData("{ \"accuracy\": { \"metric\": \"kl\", \"limit\": 1e999 } }", "LORQ0204", 1, 42, "1e999")]
    [InlineData("{ \"accuracy\": { \"metric\": \"top1\", \"limit\": 99 } }", "LORQ0204", 1, 15, "top1 of at least 99")]
    [InlineData("{ \"overrides\": {} }", "LORQ0204", 1, 16, "an array of objects")]
    [InlineData("{ \"overrides\": [{ \"bits\": [4] }] }", "LORQ0204", 1, 17, "objects with match")]
    [InlineData("{ \"overrides\": [{ \"match\": \"x\", \"kind\": \"Conv\" }] }", "LORQ0204", 1, 17, "without any for 'x'")]
    [InlineData("{ \"overrides\": [{ \"match\": \"x\", \"keep\": true, \"minBits\": 4 }] }", "LORQ0204", 1, 17, "keep alone")]
    [InlineData("{ \"overrides\": [{ \"match\": \"x\", \"kind\": \"Cnv\" }] }", "LORQ0204", 1, 41, "MatMul")]
    [InlineData("{ \"$schema\": 5 }", "LORQ0204", 1, 14, "a string, but has 5")]
    [InlineData("[]", "LORQ0204", 1, 1, "an object, but has an array")]
    [InlineData("null", "LORQ0204", 1, 1, "has null")]
    [InlineData("", "LORQ0202", 1, 1, "it is empty")]
    [InlineData("// only a comment", "LORQ0202", 1, 18, "")]
    [InlineData("{\n  \"budget\": \"25%\"\n  \"target\": \"ort\"\n}", "LORQ0202", 3, 3, "")]
    [InlineData("{ \"budget\": \"25%\"", "LORQ0202", 1, 18, "")]
    [InlineData("{} {}", "LORQ0202", 1, 4, "")]
    [InlineData("{ \"target\": \"\\ud800\" }", "LORQ0202", 1, 13, "")]
    // Columns count characters, not bytes.
    [InlineData("{ \"exclude\": [\"größe\"], \"x\": 1 }", "LORQ0203", 1, 25, "'x'")]
    [InlineData("{ \"exclude\": [\"größe\"], x }", "LORQ0202", 1, 25, "")]
    public void SaysWhereAndWhat(string text, string id, int line, int column, string part)
    {
        LorqException e = Assert.Throws<LorqException>(() => Parse(text));
        Assert.Equal(id, e.Diagnostic.Id);
        Assert.Equal(new SourceLocation("s.json", line, column), e.Location);
        Assert.Contains(part, e.Message);
        Assert.StartsWith($"s.json({line},{column}): error {id}: ", e.ToCanonical());
    }

    [Fact]
    public void ByteOrderMarkIsNoCharacter()
    {
        byte[] text = [0xEF, 0xBB, 0xBF, .. "{ \"x\": 1 }"u8];
        LorqException e = Assert.Throws<LorqException>(() => SpecParser.Parse(text, "s.json"));
        Assert.Equal(3, e.Location!.Column);
    }

    [Fact]
    public void DataIsRelativeToTheFile()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("s.json");
        File.WriteAllText(path, "{ \"calibration\": { \"data\": [\"d/*.npz\", \"/abs.npz\"] } }");
        Assert.Equal([Path.Combine(folder.Path, "d/*.npz"), "/abs.npz"], SpecParser.Parse(path).Calibration.Data);
    }

    [Fact]
    public void RefusesWhatIsNoReadableFile()
    {
        using var folder = new TemporaryFolder();
        LorqException missing = Assert.Throws<LorqException>(() => SpecParser.Parse(folder.File("none.json")));
        Assert.Contains("none.json", missing.Message);
        LorqException directory = Assert.Throws<LorqException>(() => SpecParser.Parse(folder.Path));
        Assert.Contains(folder.Path, directory.Message);
        Assert.All(
            ["", "a\0b"],
            path => Assert.Equal("LORQ0101", Assert.Throws<LorqException>(() => SpecParser.Parse(path)).Diagnostic.Id)
        );
    }

    [SkippableFact]
    public void AFileWithoutEndIsRefusedAtOnce()
    {
        Skip.IfNot(File.Exists("/dev/zero"), "/dev/zero is not here");
        long before = GC.GetTotalAllocatedBytes();
        LorqException e = Assert.Throws<LorqException>(() => SpecParser.Parse("/dev/zero"));
        Assert.Equal("LORQ0202", e.Diagnostic.Id);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 100 << 20);
    }

    [Fact]
    public void LargeAndDeepTextsTakeLinearTime()
    {
        TimeSpan before = ThreadClock.Now;
        string[] texts =
        [
            "{\"exclude\":[" + string.Join(',', Enumerable.Repeat("0", 400_000)) + "]}",
            "{\"exclude\":[" + string.Join(',', Enumerable.Repeat("\"a\"", 200_000)) + "],\"x\":1}",
            "{" + string.Join(',', Enumerable.Range(0, 80_000).Select(i => $"\"k{i}\":1")) + "}",
            "{\"" + new string('a', 900_000) + "\":1}",
            "{\"target\":\"" + new string('a', 900_000) + "\"}",
            "{\"threads\":" + new string('1', 900_000) + "}",
            new('[', 900_000),
            string.Concat(Enumerable.Repeat("{\"menu\":", 100_000)),
            new(' ', 2_000_000),
        ];
        foreach (string text in texts)
        {
            LorqException e = Assert.Throws<LorqException>(() => Parse(text));
            Assert.InRange(e.Message.Length, 1, 400);
        }
        // Quadratic, the second alone took four seconds.
        Assert.InRange((ThreadClock.Now - before).TotalSeconds, 0, 5);
    }

    /// <summary>Whatever bytes are flipped, cut or doubled: a spec or an error with a place, nothing else.</summary>
    [Fact]
    public void BrokenTextsAreRefusedClearly()
    {
        byte[] original = Encoding.UTF8.GetBytes(Full);
        var random = new Random(5);
        byte[] syntax = [.. "{}[]\",:0-e/*\\u\n"u8];
        int refused = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] text = [.. original];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                text[random.Next(text.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : syntax[random.Next(syntax.Length)];
            }
            int end = random.Next(4) == 0 ? random.Next(text.Length) : text.Length;
            try
            {
                SpecParser.Parse(text[..end], "s.json");
            }
            catch (LorqException e)
            {
                refused++;
                Assert.StartsWith("LORQ02", e.Diagnostic.Id);
                Assert.True(e.Location is { File: "s.json", Line: > 0, Column: > 0 });
                Assert.DoesNotContain('\n', e.ToCanonical());
            }
        }
        Assert.InRange(refused, 10_000, 20_000);
    }

    private static CompressionSpec Parse(string text) => SpecParser.Parse(Encoding.UTF8.GetBytes(text), "s.json");

    private static (int, int?, double, string?, long) Of(CalibrationSpec c) =>
        (c.BatchSize, c.MaxSamples, c.HeldOut, c.Mask, c.MemoryCapBytes);
}
