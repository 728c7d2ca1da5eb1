using CsCheck;
using Lorq.Diagnostics;
using Lorq.Specs;

namespace Lorq.Tests.Specs;

public class SizeBudgetTests
{
    [Theory]
    [InlineData("14.66MB", 14_660_000)]
    [InlineData("12299000", 12_299_000)]
    [InlineData(" 12 MiB ", 12 * 1024 * 1024)]
    [InlineData("1.5KiB", 1536)]
    [InlineData("2GiB", 2L << 30)]
    [InlineData("3gb", 3_000_000_000)]
    [InlineData("512B", 512)]
    // These lose a byte in binary floating point.
    [InlineData("8.29kB", 8290)]
    [InlineData("4.35GB", 4_350_000_000)]
    [InlineData("1.005kB", 1005)]
    // A budget is an upper bound: no rounding up.
    [InlineData("1.0009kB", 1000)]
    public void ReadsBytes(string text, long bytes) => Assert.Equal(new SizeBudget.Bytes(bytes), SizeBudget.Parse(text));

    [Fact]
    public void ReadsSharesAndBits()
    {
        Assert.Equal(new SizeBudget.Percent(25), SizeBudget.Parse("25%"));
        Assert.Equal(new SizeBudget.Percent(12.5), SizeBudget.Parse(" 12.5 % "));
        Assert.Equal(new SizeBudget.BitsPerWeight(3.5), SizeBudget.Parse("3.5bpw"));
        Assert.Equal(new SizeBudget.BitsPerWeight(4), SizeBudget.Parse("4 BPW"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("%")]
    [InlineData("MB")]
    [InlineData("0")]
    [InlineData("0%")]
    [InlineData("-5MB")]
    [InlineData("25%%")]
    [InlineData("12,5%")]
    [InlineData("nan%")]
    [InlineData("infinity")]
    [InlineData("1e400%")]
    [InlineData("1001%")]
    [InlineData("65bpw")]
    [InlineData("1e300bpw")]
    [InlineData("1e28GB")]
    [InlineData("9999999999GB")]
    [InlineData("0.4B")]
    [InlineData("2.5")]
    [InlineData("12 apples")]
    [InlineData("0x10")]
    public void RefusesTheRest(string text)
    {
        LorqException e = Assert.Throws<LorqException>(() => SizeBudget.Parse(text));
        Assert.Equal("LORQ0201", e.Diagnostic.Id);
        Assert.Contains($"'{text}'", e.Message);
    }

    [Fact]
    public void TextAndValueSayTheSame()
    {
        Gen<SizeBudget> any = Gen.OneOf<SizeBudget>(
            Gen.Double[1e-9, 1000].Select(v => (SizeBudget)new SizeBudget.Percent(v)),
            Gen.Double[1e-9, 64].Select(v => (SizeBudget)new SizeBudget.BitsPerWeight(v)),
            Gen.Long[1, 1L << 53].Select(v => (SizeBudget)new SizeBudget.Bytes(v))
        );
        any.Sample(b => SizeBudget.Parse(b.ToString()) == b);
    }
}
